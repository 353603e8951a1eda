#!/bin/sh
# From a .tflite file to exact answers and a bitstream: what `make demo` runs.
set -eu
cd "$(dirname "$0")/../.."
tfl2hw="${BIN:-.venv/bin}/tfl2hw"
digits=examples/digits
out=build/digits-icebreaker

show() {
    printf '\n$ tfl2hw %s\n' "$*"
    "$tfl2hw" "$@"
}

show simulate $digits/digits_int8.tflite --board icebreaker \
    --input $digits/digit_3.npy --input $digits/digit_7.npy --input $digits/digit_8.npy
show build $digits/digits_int8.tflite --board icebreaker -o $out
