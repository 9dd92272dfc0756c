"""`fathom serve`: an exported network behind HTTP, with the requests of TensorFlow Serving.

Read in this order:

- `serve_command`, `server`: the service from its start to its end; `sockets`:
  where it listens; `connections`: which clients it waits for.
- `app`: the routes; `access`: who may use them; `service`: how a request for predictions is
  answered.
- `bodies`: the bytes of a request; `requests`: from bytes to rows; `json_columns`, `json_images`:
  their values as the model's inputs; `request_error`: why a request is refused.
- `batching`: one call of the model for many requests.
- `prometheus`: metrics; `openapi`: the schema of requests and responses; `tensorflow_serving`: what
  its clients ask beside predictions.
"""
