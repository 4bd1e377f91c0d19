"""The calls about devices and actions over gRPC: the same verbs as REST, in the words of the proto file."""
