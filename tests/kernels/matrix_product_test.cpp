// Products of rows with a square matrix on the device, as used by batches of points, compared with plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/table.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using MatrixProductDevice = DeviceTest;

TEST_F(MatrixProductDevice, MultipliesRowsByTheMatrix) {
  Random random(21);
  for (const std::size_t size : {1, 2, 31, 64}) {
    const std::vector<double> matrix = random.vector(size * size, -1.0, 1.0);
    for (const std::size_t count : {5, 1, 70}) {  // fewer and more rows than columns
      const std::unique_ptr<kernels::MatrixProduct> product(kernels::device_kernels().make_matrix_product(
          static_cast<std::int64_t>(size), static_cast<std::int64_t>(count), matrix.data(), 0));
      for (std::size_t i = 0; i < count * size; ++i) EXPECT_EQ(product->rows()[i], 0.0);
      for (int again = 0; again < 2; ++again) {
        const std::vector<double> rows = random.vector(count * size, -1.0, 1.0);
        std::copy(rows.begin(), rows.end(), product->rows());
        product->start();
        product->wait();
        for (std::size_t i = 0; i < count; ++i)
          for (std::size_t j = 0; j < size; ++j) {
            long double expected = 0.0L;
            for (std::size_t k = 0; k < size; ++k)
              expected += static_cast<long double>(rows[i * size + k]) * matrix[k * size + j];
            // Sums of `size` terms of at most 1, each rounded once.
            EXPECT_NEAR(product->products()[i * size + j], static_cast<double>(expected),
                        static_cast<double>(size) * std::numeric_limits<double>::epsilon())
                << size << " columns, " << count << " rows";
          }
      }
    }
  }
}

}  // namespace
}  // namespace lindrift::testing
