"""The wire protocol of AWS Lambda durable functions: the SDK's values to and from the service's JSON."""
