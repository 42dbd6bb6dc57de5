#!/bin/sh
# keep_resources.sh COMPILER ARGUMENT...
# Runs nvcc. What ptxas says about registers, memory and spills goes to OBJECT.resources, and the rest of what they say to
# stderr as always. ccache repeats what a compiler said, so the file is there after a hit as well.
object=
before=
for argument; do
  [ "$before" != -o ] || object=$argument
  before=$argument
done
[ -n "$object" ] || exec "$@"
"$@" 2>"$object.said"
status=$?
lines='^ptxas info \|^ *[0-9]* bytes stack frame,'
grep "$lines" "$object.said" >"$object.resources"
grep -v "$lines" "$object.said" >&2
rm -f "$object.said"
exit $status
