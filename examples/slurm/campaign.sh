# shellcheck shell=bash
# Shared by the job scripts in this folder. Slurm marks a job that obeys a signal and exits as COMPLETED and does not requeue
# it, so the exit code of lindrift decides here whether the job is requeued.

# campaign INPUT OUTPUT [OPTION...]: starts or resumes a campaign in this job, and requeues the job if it was stopped
# early. LINDRIFT is the program, LINDRIFT_LAUNCH the launcher of its ranks (default: mpirun).
campaign() {
  local input=${1:?"the input file (TOML) is missing"} output=${2:?"the output file (HDF5) is missing"} code
  shift 2
  local launch=mpirun
  local -a launcher
  read -ra launcher <<<"${LINDRIFT_LAUNCH:-$launch}"
  "${launcher[@]}" "${LINDRIFT:-lindrift}" run "$input" -o "$output" --resume "$@" &
  local ranks=$!
  # The signal reaches this shell; mpirun and srun pass USR1 on to every rank. A signal to any rank stops the whole run cleanly.
  trap 'kill -USR1 $ranks 2>/dev/null' USR1 TERM
  while true; do
    code=0
    wait "$ranks" || code=$?
    kill -0 "$ranks" 2>/dev/null || break # wait also returns after a trap
  done
  trap - USR1 TERM
  case $code in
    0 | 3)
      echo "campaign: $output is complete (exit code $code)"
      return "$code"
      ;;
    4)
      echo "campaign: stopped in order; the job goes back into the queue"
      scontrol requeue "$SLURM_JOB_ID"
      ;;
    1 | 2)
      echo "campaign: exit code $code; see the message above"
      return "$code"
      ;;
    *)
      # A rank or its machine died. Finished points are safe; a fault that recurs must not requeue the job for ever.
      if ((${SLURM_RESTART_COUNT:-0} >= 20)); then
        echo "campaign: exit code $code after ${SLURM_RESTART_COUNT} restarts; giving up"
        return "$code"
      fi
      echo "campaign: exit code $code; the job goes back into the queue"
      scontrol requeue "$SLURM_JOB_ID"
      ;;
  esac
}
