#include "hubbard/anderson.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lindrift {

namespace {

/// A difference is left out if less than this share of its length remains after orthogonalisation.
constexpr double smallest_share = 1e-8;

double product(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

void AndersonMixing::step(std::span<const double> image, std::span<double> x) {
  std::vector<double> residual(size_);
  for (std::size_t i = 0; i < size_; ++i) residual[i] = image[i] - x[i];
  images_.emplace_back(image.begin(), image.end());
  residuals_.push_back(residual);
  if (images_.size() > depth_ + 1) {
    images_.erase(images_.begin());
    residuals_.erase(residuals_.begin());
  }
  std::copy(image.begin(), image.end(), x.begin());
  // Differences from the newest residual, orthogonalised by Gram-Schmidt starting with the newest. Their projections
  // are subtracted from the residual, and the same combination from the image.
  std::vector<std::vector<double>> basis, moves;
  for (std::size_t j = images_.size() - 1; j-- > 0;) {
    std::vector<double> difference(size_), move(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      difference[i] = residuals_.back()[i] - residuals_[j][i];
      move[i] = images_.back()[i] - images_[j][i];
    }
    const double length = std::sqrt(product(difference, difference));
    for (std::size_t b = 0; b < basis.size(); ++b) {
      const double overlap = product(basis[b], difference);
      for (std::size_t i = 0; i < size_; ++i) {
        difference[i] -= overlap * basis[b][i];
        move[i] -= overlap * moves[b][i];
      }
    }
    const double rest = std::sqrt(product(difference, difference));
    if (!(rest > smallest_share * length)) continue;
    for (std::size_t i = 0; i < size_; ++i) {
      difference[i] /= rest;
      move[i] /= rest;
    }
    const double share = product(difference, residual);
    for (std::size_t i = 0; i < size_; ++i) {
      residual[i] -= share * difference[i];
      x[i] -= share * move[i];
    }
    basis.push_back(std::move(difference));
    moves.push_back(std::move(move));
  }
}

}  // namespace lindrift
