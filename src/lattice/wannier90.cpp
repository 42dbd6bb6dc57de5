#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "engine/machine_memory.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/tight_binding.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr const char* key = "model.hamiltonian";
constexpr int max_orbitals = 256;
constexpr std::int64_t max_displacements = 10'000'000;
constexpr std::size_t longest_line = std::size_t{1} << 20;
/// Memory for a byte of the file at most: the shortest line has 14 bytes, and its element becomes two hopping terms.
constexpr double bytes_a_byte = 12.0;
/// Files have at least six digits; a larger deviation from Hermitian is not due to rounding.
constexpr double largest_rounding = 1e-4;

/// The numbers in a text, line by line.
class Lines {
 public:
  Lines(std::istream& text, const std::string& name) : text_(text), name_(name) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw ParameterError(key, name_ + ":" + std::to_string(line_) + ": " + problem);
  }

  /// The next line that is not empty.
  std::istringstream next(const std::string& wanted) {
    for (std::string line; get(line);) {
      if (line.find_first_not_of(" \t\r") != std::string::npos) return std::istringstream(line);
    }
    fail("the file ends where " + wanted + " should stand");
  }

  std::int64_t count(const std::string& wanted, std::int64_t most) {
    std::istringstream line = next(wanted);
    std::int64_t value = 0;
    std::string rest;
    if (!(line >> value) || line >> rest || value < 1 || value > most)
      fail(wanted + " must be an integer in 1 .. " + std::to_string(most) + " on a line of its own");
    return value;
  }

  bool at_end() {
    for (std::string line; get(line);)
      if (line.find_first_not_of(" \t\r") != std::string::npos) return false;
    return true;
  }

  void comment() {
    std::string line;
    get(line);
  }

 private:
  /// A file that is no text may have no end of a line at all.
  bool get(std::string& line) {
    ++line_;
    text_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto length = static_cast<std::size_t>(text_.gcount());
    if (text_.fail() && length + 1 == buffer_.size()) fail("a line of a megabyte or more");
    if (text_.fail()) return false;
    line.assign(buffer_.data(), text_.eof() ? length : length - 1);
    return true;
  }

  std::istream& text_;
  const std::string& name_;
  std::vector<char> buffer_ = std::vector<char>(longest_line);
  std::int64_t line_ = 0;
};

std::vector<double> read_weights(Lines& lines, std::int64_t displacements) {
  std::vector<double> weights;
  while (weights.size() < static_cast<std::size_t>(displacements)) {
    std::istringstream line =
        lines.next("weight " + std::to_string(weights.size() + 1) + " of " + std::to_string(displacements));
    for (std::string word; line >> word;) {
      std::istringstream number(word);
      std::int64_t weight = 0;
      if (!(number >> weight) || !number.eof() || weight < 1)
        lines.fail("'" + word + "' is no weight: an integer >= 1");
      if (weights.size() == static_cast<std::size_t>(displacements))
        lines.fail("there are more than the " + std::to_string(displacements) + " weights announced");
      weights.push_back(static_cast<double>(weight));
    }
  }
  return weights;
}

/// The elements as one matrix per displacement.
using Elements = std::map<LatticeVector, std::vector<Complex>>;

Elements read_elements(Lines& lines, std::int64_t orbitals, const std::vector<double>& weights) {
  Elements elements;
  const auto n = static_cast<std::size_t>(orbitals);
  for (std::size_t r = 0; r < weights.size(); ++r) {
    LatticeVector first{};
    std::vector<bool> seen(n * n);
    for (std::size_t e = 0; e < n * n; ++e) {
      std::istringstream line =
          lines.next("element " + std::to_string(r * n * n + e + 1) + " of " + std::to_string(weights.size() * n * n));
      LatticeVector displacement{};
      std::int64_t a = 0, b = 0;
      double re = 0.0, im = 0.0;
      std::string rest;
      if (!(line >> displacement[0] >> displacement[1] >> displacement[2] >> a >> b >> re >> im) || line >> rest)
        lines.fail("a line must be R1 R2 R3 a b Re Im");
      if (!std::isfinite(re) || !std::isfinite(im)) lines.fail("Re and Im must be finite");
      for (const std::int64_t x : displacement)
        if (x < -1'000'000 || x > 1'000'000) lines.fail("a displacement must be in -1000000 .. 1000000");
      for (const std::int64_t orbital : {a, b})
        if (orbital < 1 || orbital > orbitals)
          lines.fail("orbital " + std::to_string(orbital) + " must be in 1 .. " + std::to_string(orbitals));
      if (e == 0) {
        first = displacement;
        if (elements.contains(first)) lines.fail("this displacement has been listed before");
        elements[first].resize(n * n);
      }
      if (displacement != first)
        lines.fail("the displacement changes before all " + std::to_string(n * n) + " elements of the last one stand");
      const auto place = static_cast<std::size_t>(a - 1) * n + static_cast<std::size_t>(b - 1);
      if (seen[place]) lines.fail("this element has been listed before");
      seen[place] = true;
      elements[first][place] = Complex(re, im) / weights[r];
    }
  }
  if (!lines.at_end())
    lines.fail("the file goes on after the " + std::to_string(weights.size() * n * n) + " elements announced");
  return elements;
}

}  // namespace

WannierHamiltonian read_wannier90(std::istream& text, const std::string& name) {
  Lines lines(text, name);
  lines.comment();
  const std::int64_t orbitals = lines.count("the number of orbitals", max_orbitals);
  const std::int64_t displacements = lines.count("the number of displacements", max_displacements);
  const Elements elements = read_elements(lines, orbitals, read_weights(lines, displacements));

  WannierHamiltonian result;
  result.model.orbitals = static_cast<int>(orbitals);
  result.model.degeneracy_tolerance = 1e-5;  // because the elements are rounded
  const auto n = static_cast<std::size_t>(orbitals);
  double largest = 0.0, change = 0.0;
  std::string worst;
  for (const auto& [displacement, matrix] : elements) {
    const auto partner = elements.find({-displacement[0], -displacement[1], -displacement[2]});
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b) {
        const Complex element = matrix[a * n + b];
        const Complex other = partner != elements.end() ? std::conj(partner->second[b * n + a]) : 0.0;
        largest = std::max(largest, std::abs(element));
        if (const double half = 0.5 * std::abs(element - other); half > change) {
          change = half;
          worst = std::to_string(displacement[0]) + " " + std::to_string(displacement[1]) + " " +
                  std::to_string(displacement[2]) + " " + std::to_string(a + 1) + " " + std::to_string(b + 1);
        }
        const Complex hermitian = 0.5 * (element + other);
        if (hermitian == 0.0) continue;
        result.model.hopping_terms.push_back({displacement, static_cast<int>(a), static_cast<int>(b), hermitian});
        if (partner == elements.end())
          result.model.hopping_terms.push_back({{-displacement[0], -displacement[1], -displacement[2]},
                                                static_cast<int>(b),
                                                static_cast<int>(a),
                                                std::conj(hermitian)});
        for (int i = 0; i < 3; ++i)
          if (displacement[static_cast<std::size_t>(i)] != 0) result.directions = std::max(result.directions, i + 1);
      }
  }
  if (largest == 0.0) throw ParameterError(key, name + ": every element is zero");
  result.largest_change = change / largest;
  if (result.largest_change > largest_rounding) {
    std::ostringstream size;
    size << result.largest_change;
    throw ParameterError(key, name + ": the Hamiltonian is not Hermitian: element " + worst + " is off by " +
                                  size.str() + " of the largest element; at most 1e-4 is taken for rounding");
  }
  return result;
}

WannierHamiltonian read_wannier90(const std::string& path) {
  struct Kept {
    std::int64_t seconds = 0, nanoseconds = 0, bytes = -1;
    WannierHamiltonian hamiltonian;
  };
  static std::mutex mutex;
  static std::map<std::string, Kept> kept;
  struct stat about {};
  std::ifstream file(path);
  if (stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode) || !file)
    throw ParameterError(key, path + " cannot be read: it must be a file *_hr.dat of Wannier90");
  if (const double needed = bytes_a_byte * static_cast<double>(about.st_size); !(needed <= machine_memory()))
    throw ParameterError(key, path + " is a file of " + bytes_text(static_cast<double>(about.st_size)) +
                                  ", which takes up to " + bytes_text(needed) + " of memory; this machine has " +
                                  bytes_text(machine_memory()));
  const std::lock_guard lock(mutex);
  Kept& one = kept[path];
  if (one.bytes != about.st_size || one.seconds != about.st_mtim.tv_sec || one.nanoseconds != about.st_mtim.tv_nsec) {
    one.bytes = -1;
    one.hamiltonian = read_wannier90(file, path);
    one = {about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_size, std::move(one.hamiltonian)};
  }
  return one.hamiltonian;
}

}  // namespace lindrift
