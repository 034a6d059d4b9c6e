"""What the API says of itself: an OpenAPI 3.1 document, made from declarations beside the views.

operation.py   @operation: what a method takes, answers and refuses
shapes.py      the words that answers are declared with
inputs.py      Input classes as JSON Schema and as parameters
codes.py       every code of a problem, by its status
openapi.py     the document, put together
"""
