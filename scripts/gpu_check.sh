#!/bin/sh
# What a machine's GPU does for training, measured and used; ten minutes are enough.
#
#   scripts/gpu_check.sh PACKED [QUEUE] [OUT]
#
# PACKED  the folder that "python -m skinmodel data pack OUT" made
# QUEUE   what to train, a line each: NETWORK RECIPE SEED [EPOCHS]; default: scripts/gpu_queue.txt
# OUT     folder for results; default: gpu_check
#
# It needs no network. Wheels, where packages are missing: those of requirements-jax.txt, with
# "jax[cuda13]" or "jax[cuda12]" for an NVIDIA GPU, and of WHEELS below; TensorFlow is not needed.
#
# PYTHON        the interpreter, default python3
# LIMIT         seconds for the whole of it, default 570. A run that time cuts short is kept up to
#               its last whole epoch: "release" takes it, and the same command goes on with it.
# MEASURE       arguments of "python -m skinmodel speed", such as "--models cnn --batch 64"
set -eu

WHEELS="keras numpy pandas scipy scikit-learn opencv-python-headless pillow simplejpeg safetensors \
pydantic platformdirs filelock requests urllib3 tqdm jax"
packed=${1:?"usage: scripts/gpu_check.sh PACKED [QUEUE] [OUT]"}
queue=${2:-$(dirname "$0")/gpu_queue.txt}
out=${3:-gpu_check}
python=${PYTHON:-python3}
end=$(($(date +%s) + ${LIMIT:-570}))

missing=$("$python" - $WHEELS <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name, end=" ")
PY
)
if [ -n "$missing" ]; then
    echo "missing packages: $missing" >&2
    exit 1
fi

mkdir -p "$out"
export SKINMODEL_HOME="${SKINMODEL_HOME:-$out/home}"
# Every run is a process of its own; what one has compiled the next need not compile again.
export JAX_COMPILATION_CACHE_DIR="${JAX_COMPILATION_CACHE_DIR:-$out/compiled}"

# The figures first: they cost little and tell whether the rest is worth it.
status=0
"$python" -m skinmodel.training.parity jax >"$out/parity.txt" || status=1
cat "$out/parity.txt"
# shellcheck disable=SC2086  # several arguments
"$python" -m skinmodel speed --engine jax ${MEASURE:-} --json "$out/speed.json"

grep -v '^ *\(#\|$\)' "$queue" | while read -r network recipe seed epochs; do
    left=$((end - $(date +%s)))
    if [ "$left" -le 5 ]; then
        echo "no time left for $network $recipe $seed"
        continue
    fi
    set -- --model "$network" --recipe "$recipe" --seed "$seed" ${epochs:+--epochs "$epochs"}
    timeout --signal=INT --kill-after=30 "$left" "$python" -m skinmodel train "$@" \
        --engine jax --data "$packed" --runs "$out/runs" --resume </dev/null ||
        echo "stopped: $network $recipe $seed (status $?)"
done
echo "runs, with weights and histories: $out/runs"
exit "$status"
