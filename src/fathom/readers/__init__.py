"""Files of a user's own: tables, images and arrays, read strictly."""
