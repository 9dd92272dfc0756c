"""The stage `report`: one page with tables, learning curves, errors and explanations.

Read in this order: `results` reads what other stages wrote; `section` describes one data set, with
`comparison`, `regression` or `classification`, `searches`, `column_summaries` and `distributions`;
`charts` and `pictures` draw; `network_graph`, `network_boxes` and `network_drawing` draw networks;
`report` writes the page, and `provenance` beside it where it was built.
"""
