"""What Muster's services share: words (`contracts`), roads (`messaging`, `outbox`), stores and HTTP foundations.

It knows no service and holds no domain rule.
"""
