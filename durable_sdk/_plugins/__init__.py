"""The machinery behind instrumentation plugins; the public names are in `durable_sdk.plugin`."""
