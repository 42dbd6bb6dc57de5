#include "io/trial.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "lindrift/error.hpp"

namespace lindrift::io {

namespace {

constexpr unsigned most_seconds = 5;
constexpr std::uintmax_t bytes_a_second = 50'000'000;

[[noreturn]] void be_the_trial(unsigned seconds, const std::function<void()>& read) {
  // A crash ends this process silently, without a core file.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM}) ::signal(signal, SIG_DFL);
  // These reach the whole job, and the process that waits for this one decides what follows from them.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::signal(signal, SIG_IGN);
  const rlimit nothing{0, 0};
  ::setrlimit(RLIMIT_CORE, &nothing);
  if (const int nowhere = ::open("/dev/null", O_WRONLY); nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
  ::alarm(seconds);
  try {
    read();
  } catch (...) {  // an ordinary error: the real attempt will report it
  }
  ::_exit(0);
}

}  // namespace

void try_to_read(const std::string& path, const std::function<void()>& read) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (failure) return;
  const auto seconds = static_cast<unsigned>(most_seconds + std::min<std::uintmax_t>(size / bytes_a_second, 1'000'000));
  const pid_t child = ::fork();
  if (child < 0) return;  // no process for a trial: read without one
  if (child == 0) be_the_trial(seconds, read);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return;
  if (status == 0) return;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    throw Error(path + ": cannot be read: the HDF5 library takes too long; the file is probably damaged");
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    throw Error(path +
                ": cannot be read: the process that tried it first was killed, by someone or for want of memory");
  throw Error(path + ": cannot be read: the file is damaged in a way that stops the HDF5 library");
}

}  // namespace lindrift::io
