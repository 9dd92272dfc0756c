"""The settings: what they may be (schema), and how a stage gets them (stage)."""
