"""The road between services and to devices: RabbitMQ, its topology, confirmed publishing, and consuming in batches."""
