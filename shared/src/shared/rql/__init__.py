"""RQL, the query language of Eclipse Ditto: parsed, checked against declared fields, compiled to SQL or evaluated.

Source: https://eclipse.dev/ditto/basic-rql.html, filter part. What it leaves open is decided in `predicate`.
"""
