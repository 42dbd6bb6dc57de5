#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "lindrift/error.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

/// A rank that keeps what it sends instead of sending it.
class Worker : public Communicator {
 public:
  Worker(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void send_to_root(Bytes bytes) override { sent.push_back(std::move(bytes)); }

  std::vector<Bytes> sent;

 private:
  int rank_, size_;
};

/// Rank 0, to which the given messages come in the given order; some of them only when it waits.
class Root : public Communicator {
 public:
  Root(int size, std::vector<Bytes> messages) : size_(size), messages_(std::move(messages)) {}
  int size() const override { return size_; }
  std::optional<Bytes> receive_at_root(bool wait) override {
    if (!wait && ++asked_ % 2 == 0) return std::nullopt;
    if (next_ == messages_.size()) {
      if (wait) throw Error("waits for a message that nobody sends");
      return std::nullopt;
    }
    return messages_[next_++];
  }

 private:
  int size_;
  std::vector<Bytes> messages_;
  std::size_t next_ = 0;
  int asked_ = 0;
};

/// Seven points; those at an inverse temperature of 800 overflow and fail.
config::Document document() {
  return config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'relax'\ntimes = [0.0, 1.0]\n[sweep]\n"
      "'bath.inverse_temperature' = [1.0, 0.5, 800.0, 2.0, 0.0, 800.0, 3.0]\n",
      "INPUT.toml", {}, menu());
}

Execution one_thread() {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.threads = 1;
  return execution;
}

std::vector<Bytes> messages_of_workers(const config::Document& run_document, int size) {
  std::vector<Bytes> messages;
  for (int rank = 1; rank < size; ++rank) {
    Worker worker(rank, size);
    const Outcome outcome = run(run_document, one_thread(), worker, {});
    EXPECT_EQ(outcome.tally.finished(), worker.sent.size());
    EXPECT_EQ(worker.sent.size(), points_of(rank, size, run_document.sweep.points()).size());
    messages.insert(messages.end(), worker.sent.begin(), worker.sent.end());
  }
  return messages;
}

template <typename Element>
void expect_same_element(const Element& left, const Element& right, const std::string& name) {
  EXPECT_EQ(left, right) << name;
}
void expect_same_element(double left, double right, const std::string& name) {
  EXPECT_TRUE(left == right || (std::isnan(left) && std::isnan(right))) << name << ": " << left << " " << right;
}

void expect_same(const Outcome& left, const Outcome& right) {
  ASSERT_EQ(left.fields.size(), right.fields.size());
  for (std::size_t f = 0; f < left.fields.size(); ++f) {
    const io::Field& field = left.fields[f];
    EXPECT_EQ(field.name, right.fields[f].name);
    EXPECT_EQ(field.dimensions, right.fields[f].dimensions);
    EXPECT_EQ(field.shape, right.fields[f].shape);
    std::visit(
        [&](const auto& values) {
          const auto& others = std::get<std::decay_t<decltype(values)>>(right.fields[f].data);
          ASSERT_EQ(values.size(), others.size());
          for (std::size_t i = 0; i < values.size(); ++i) expect_same_element(values[i], others[i], field.name);
        },
        field.data);
  }
  ASSERT_EQ(left.points.size(), right.points.size());
  for (std::size_t p = 0; p < left.points.size(); ++p) {
    EXPECT_EQ(left.points[p].point, p);
    EXPECT_EQ(left.points[p].status, right.points[p].status);
    EXPECT_EQ(left.points[p].message, right.points[p].message);
    EXPECT_EQ(left.points[p].summary, right.points[p].summary);
  }
  EXPECT_EQ(left.tally.done, right.tally.done);
  EXPECT_EQ(left.tally.failed, right.tally.failed);
  EXPECT_EQ(left.tally.not_converged, right.tally.not_converged);
}

TEST(Assembly, DoesNotDependOnRanksNorOnTheOrderOfArrival) {
  const config::Document run_document = document();
  Communicator alone;
  const Outcome serial = run(run_document, one_thread(), alone, {});
  EXPECT_EQ(serial.tally.total, 7U);
  EXPECT_EQ(serial.tally.done, 5U);
  EXPECT_EQ(serial.tally.failed, 2U);
  std::mt19937 random(1);
  for (const int size : {2, 3, 7, 12}) {
    std::vector<Bytes> messages = messages_of_workers(run_document, size);
    for (int round = 0; round < 5; ++round) {
      std::shuffle(messages.begin(), messages.end(), random);
      Root root(size, messages);
      expect_same(run(run_document, one_thread(), root, {}), serial);
    }
  }
}

TEST(Assembly, ReportsProgressUpToTheEnd) {
  const config::Document run_document = document();
  Root root(3, messages_of_workers(run_document, 3));
  std::vector<std::size_t> finished;
  run(run_document, one_thread(), root, [&](const Tally& tally) {
    finished.push_back(tally.finished());
    EXPECT_EQ(tally.total, 7U);
    EXPECT_GE(tally.fraction_of_current, 0.0);
    EXPECT_LE(tally.fraction_of_current, 1.0);
  });
  EXPECT_TRUE(std::is_sorted(finished.begin(), finished.end()));
  EXPECT_EQ(finished.front(), 0U);
  EXPECT_EQ(finished.back(), 7U);
}

/// Rank 0 must not write a record that does not fit over its neighbours.
TEST(Assembly, RefusesRecordsThatDoNotFit) {
  const config::Document run_document = document();
  const std::vector<Bytes> messages = messages_of_workers(run_document, 2);
  const auto refuses = [&](const std::function<void(Record&)>& spoil) {
    std::vector<Bytes> spoilt = messages;
    Record record = decode(spoilt.front());
    spoil(record);
    spoilt.front() = encode(record);
    Root root(2, spoilt);
    EXPECT_THROW(run(run_document, one_thread(), root, {}), Error);
  };
  refuses([](Record& record) { record.point = 7; });
  refuses([](Record& record) { record.point = std::numeric_limits<std::uint64_t>::max(); });
  refuses([](Record& record) { record.point = 0; });  // rank 0 has computed that one
  refuses([](Record& record) { record.data.pop_back(); });
  refuses([](Record& record) { record.data.push_back(std::vector<double>(1)); });
  refuses([](Record& record) { std::swap(record.data.front(), record.data.back()); });
  refuses([](Record& record) { std::get<std::vector<double>>(record.data.front()).push_back(1.0); });
  refuses([](Record& record) { std::get<std::vector<double>>(record.data.front()).clear(); });
  std::vector<Bytes> cut = messages;
  cut.front().pop_back();
  Root root(2, cut);
  EXPECT_THROW(run(run_document, one_thread(), root, {}), Error);
}

TEST(Assembly, KeepsTheFieldsThatAreAskedFor) {
  const config::Document some = config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'steady_state'\n[output]\nfields = ['current']\n"
      "[sweep]\n'bath.coupling' = [0.1, 0.2]\n",
      "INPUT.toml", {}, menu());
  Communicator alone;
  const Outcome outcome = run(some, one_thread(), alone, {});
  std::vector<std::string> names;
  for (const io::Field& field : outcome.fields) names.push_back(field.name);
  EXPECT_THAT(names, testing::ElementsAre("current", "status", "error"));
  names.clear();
  for (const io::Field& field : outcome.coordinates) names.push_back(field.name);
  EXPECT_THAT(names, testing::ElementsAre("bath.coupling", "momentum"));
}

}  // namespace
}  // namespace lindrift::sweep
