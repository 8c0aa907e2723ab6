#!/bin/sh
# Plays every scenario.  Run in the build folder, with srcdir in the environment.
exec ./replay "${srcdir:-.}"/*.scn
