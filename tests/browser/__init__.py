"""The console in Debian's Chromium, as people use it."""
