"""The stage `report`: one page with tables, learning curves, errors and explanations.

Read in this order: `results` reads what other stages wrote; `section` describes one data set, with
`headline` and `next_steps` for the first screen, `comparison`, `regression` or `classification`,
`tenths`, `decisions`, `maps`, `explanation`, `searches`, `column_summaries` and `distributions`;
`digits` rounds; `charts` and `pictures` draw; `network_graph`, `network_boxes` and
`network_drawing` draw networks; `report` writes the page, `content` what is on it for machines, and
`provenance` beside it where it was built.
"""
