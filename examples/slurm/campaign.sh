# shellcheck shell=bash
# What the job scripts of this folder share. Slurm marks a job that obeys a signal and ends as COMPLETED and leaves it at
# that, so the exit code of lindrift decides here what becomes of the job.

# campaign INPUT OUTPUT [OPTION...]: runs or goes on with a campaign in this job, and puts the job back into the queue if it
# was stopped before its end. LINDRIFT is the program, LINDRIFT_LAUNCH what starts its ranks (default: mpirun).
campaign() {
  local input=${1:?"the input file (TOML) is missing"} output=${2:?"the output file (HDF5) is missing"} code
  shift 2
  local launch=mpirun
  local -a launcher
  read -ra launcher <<<"${LINDRIFT_LAUNCH:-$launch}"
  "${launcher[@]}" "${LINDRIFT:-lindrift}" run "$input" -o "$output" --resume "$@" &
  local ranks=$!
  # The signal reaches this shell; mpirun and srun hand USR1 on to every rank. Any signal to any rank stops the run in order.
  trap 'kill -USR1 $ranks 2>/dev/null' USR1 TERM
  while true; do
    code=0
    wait "$ranks" || code=$?
    kill -0 "$ranks" 2>/dev/null || break # a trap, too, ends wait
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
      # A rank or its machine died. Nothing finished is lost; a fault that comes again must not go round for ever.
      if ((${SLURM_RESTART_COUNT:-0} >= 20)); then
        echo "campaign: exit code $code after ${SLURM_RESTART_COUNT} restarts; giving up"
        return "$code"
      fi
      echo "campaign: exit code $code; the job goes back into the queue"
      scontrol requeue "$SLURM_JOB_ID"
      ;;
  esac
}
