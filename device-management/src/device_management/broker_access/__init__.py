"""Who may use the broker: the answers RabbitMQ asks for over HTTP, and ending connections that may not go on."""
