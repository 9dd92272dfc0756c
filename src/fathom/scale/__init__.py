"""Stage `scale`: features encoded and scaled, and the problem a network is to learn."""
