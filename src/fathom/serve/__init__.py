"""An exported network behind HTTP, with requests as TensorFlow Serving takes them.

- `settings`: what is allowed, and how requests are put together.
- `refusal`: why a request is refused, with its status.
- `bodies`: the bytes of a request, and the JSON in them.
- `requests`: both forms of a request, by rows and by columns.
- `tables`, `images`: their values, as the model takes them.
- `batching`: waiting requests predicted for by one call of the model.
- `replies`: predictions as JSON.
- `metrics`: what Prometheus is told.
- `openapi`: what requests and replies look like, made from the signature.
- `service`: how a request for predictions is answered.
- `app`: the addresses.
- `sockets`: what it listens at.
- `server`: from its start to an end at which requests under way are answered.
"""
