"""Stage `download`: files of many kinds, read strictly, and the raw data they hold."""
