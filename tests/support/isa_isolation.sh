#!/bin/sh
# isa_isolation.sh NM NAMESPACE OBJECT...
# Fails if an object file defines a symbol that other files may define too (weak, vague linkage) outside the namespace
# of its instruction set. The linker keeps one of several such definitions; if it keeps this one, processors without the
# instruction set would run it.
nm=$1
namespace=$2
shift 2
[ $# -gt 0 ] || { echo "no object files were given"; exit 1; }
status=0
for object; do
  symbols=$("$nm" -C --defined-only "$object") || { echo "$nm cannot read $object"; exit 1; }
  # A check of nothing would always pass: an entry point must exist.
  if ! printf '%s\n' "$symbols" | grep -q " T lindrift::kernels::$namespace::"; then
    echo "$object defines nothing in lindrift::kernels::$namespace"
    status=1
  fi
  # nm's letters: W, w, V, v weak; u unique across the program. DW.ref.* are pointers that hold no code.
  shared=$(printf '%s\n' "$symbols" | grep -E '^[0-9a-f]* [WwVvu] ' |
           grep -v -e "lindrift::kernels::$namespace::" -e "pocketfft_$namespace::" -e ' V DW\.ref\.')
  if [ -n "$shared" ]; then
    echo "$object shares these definitions with code for other processors:"
    printf '%s\n' "$shared"
    status=1
  fi
done
exit $status
