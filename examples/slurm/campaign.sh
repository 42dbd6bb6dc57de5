# shellcheck shell=bash
# Shared by the job scripts in this folder. Slurm marks a job that obeys a signal and exits as COMPLETED and does not requeue
# it, so the exit code of lindrift decides here whether the job is requeued.

# campaign INPUT OUTPUT [OPTION...]: starts or resumes a campaign in this job, and requeues the job if it was stopped
# early by USR1, which the job script asks Slurm for before its time ends. TERM (scancel) stops in order and does not bring
# the job back. LINDRIFT is the program, LINDRIFT_LAUNCH the launcher of its ranks (default: mpirun),
# LINDRIFT_MAX_REQUEUES how often the job may go back into the queue (default: 20).
campaign() {
  local input=${1:?"the input file (TOML) is missing"} output=${2:?"the output file (HDF5) is missing"} code
  shift 2
  local launch=mpirun asked=no ended=no before stamp
  local -a launcher
  read -ra launcher <<<"${LINDRIFT_LAUNCH:-$launch}"
  before=$(campaign_points "$output")
  stamp=$(mktemp)
  "${launcher[@]}" "${LINDRIFT:-lindrift}" run "$input" -o "$output" --resume "$@" &
  local ranks=$!
  # The signal reaches this shell; mpirun and srun pass USR1 on to every rank. A signal to any rank stops the whole run cleanly.
  trap 'asked=yes; kill -USR1 $ranks 2>/dev/null' USR1
  trap 'ended=yes; kill -USR1 $ranks 2>/dev/null' TERM
  while true; do
    code=0
    wait "$ranks" || code=$?
    kill -0 "$ranks" 2>/dev/null || break # wait also returns after a trap
  done
  trap - USR1 TERM
  local progress=yes
  if [[ $(campaign_points "$output") == "$before" ]] &&
    [[ -z $(find "$output.journal" -name '*.checkpoint' -newer "$stamp" 2>/dev/null) ]]; then
    progress=no
  fi
  rm -f "$stamp"
  case $code in
    0 | 3)
      echo "campaign: $output is complete (exit code $code)"
      return "$code"
      ;;
    1 | 2 | 130 | 143)
      echo "campaign: exit code $code; see the message above"
      return "$code"
      ;;
  esac
  # What is left: stopped early (4), or a rank or its machine died. Finished points are safe in both cases.
  if [[ $ended == yes || ($code == 4 && $asked == no) ]]; then
    echo "campaign: stopped for good (exit code $code); the same command goes on"
  elif ((${SLURM_RESTART_COUNT:-0} >= ${LINDRIFT_MAX_REQUEUES:-20})); then
    echo "campaign: exit code $code after ${SLURM_RESTART_COUNT} restarts; giving up"
  elif [[ $progress == no ]]; then
    echo "campaign: exit code $code and no point was finished since this start; giving up"
  else
    echo "campaign: exit code $code; the job goes back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
    return
  fi
  return "$code"
}

# campaign_points OUTPUT: the number of points that are finished, empty before the first start.
campaign_points() {
  "${LINDRIFT:-lindrift}" status "$1" 2>/dev/null | awk '$1 == "points" { print $2 }'
}
