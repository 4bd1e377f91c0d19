"""gRPC: what services and their clients say to each other, and how a service answers it.

`*_pb2*.py` are generated from the `.proto` beside them by `make proto`, and a test holds them to it.
"""
