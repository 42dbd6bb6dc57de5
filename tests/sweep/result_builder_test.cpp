#include "sweep/result_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "lindrift/error.hpp"
#include "sweep/fake_task.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

config::Document document(const std::string& more = "") {
  return config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'relax'\ntimes = [0.0, 1.0]\n"
      "[solver]\nintegrator = 'adams'\n" +
          more + "[sweep]\n'bath.inverse_temperature' = [1.0, 800.0, 2.0]\n",
      "INPUT.toml", {}, registry());
}

const TaskEntry& task_of(const config::Document& run_document) {
  return find_task(find_model(run_document.model), run_document.task);
}

std::vector<Record> records_of(const config::Document& run_document) {
  std::vector<Record> records;
  RunOptions options;
  options.keep = [&](const Record& record) { records.push_back(record); };
  ProcessGroup alone;
  run(run_document, task_of(run_document), {}, alone, PointSet(run_document.sweep.points()), {}, options);
  return records;
}

TEST(ResultBuilder, PlacesRecordsInAnyOrderAndTheLaterOneOfTwo) {
  const config::Document whole = document();
  std::vector<Record> records = records_of(whole);
  ASSERT_EQ(records.size(), 3U);
  std::sort(records.begin(), records.end(),
            [](const auto& left, const auto& right) { return left.point < right.point; });
  ResultBuilder builder(whole, task_of(whole));
  Record failed = records[0];
  failed.status = Status::failed;
  failed.data.clear();
  builder.add(failed);
  for (const std::size_t p : {2U, 0U, 1U}) builder.add(records[p]);
  const SweepResult result = builder.finish();
  EXPECT_EQ(result.tally.done, 2U);
  EXPECT_EQ(result.tally.failed, 1U);
  for (const io::Field& field : result.fields)
    if (field.name == "occupation") {
      const auto& all = std::get<std::vector<double>>(field.data);
      const auto find = [&](const Record& record) -> const std::vector<double>& {
        for (const io::Data& data : record.data)
          if (const auto* values = std::get_if<std::vector<double>>(&data);
              values && values->size() == 12 && values->front() == 0.5)
            return *values;
        throw Error("no occupation");
      };
      const auto& part = find(records[2]);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 24));
      EXPECT_TRUE(std::isnan(all[12]));
    }
}

/// A record that does not fit must not overwrite its neighbours.
TEST(ResultBuilder, RefusesRecordsThatDoNotFit) {
  const config::Document whole = document();
  const std::vector<Record> records = records_of(whole);
  const auto done = [](const Record& record) { return record.status == Status::done; };
  const auto found = std::find_if(records.begin(), records.end(), done);
  ASSERT_NE(found, records.end());
  const Record good = *found;
  const auto refuses = [&](const std::function<void(Record&)>& spoil) {
    Record record = good;
    spoil(record);
    ResultBuilder builder(whole, task_of(whole));
    EXPECT_THROW(builder.add(decode(encode(record))), Error);
  };
  refuses([](Record& record) { record.point = 3; });
  refuses([](Record& record) { record.point = std::numeric_limits<std::uint64_t>::max(); });
  refuses([](Record& record) { record.data.pop_back(); });
  refuses([](Record& record) { record.data.push_back(std::vector<double>(1)); });
  refuses([](Record& record) { std::swap(record.data.front(), record.data.back()); });
  refuses([](Record& record) { std::get<std::vector<double>>(record.data.front()).push_back(1.0); });
  refuses([](Record& record) { std::get<std::vector<double>>(record.data.front()).clear(); });
}

/// Of many points only a few records are kept: those of the summary, one that tells how they were computed, messages.
TEST(ResultBuilder, KeepsFewRecordsOfManyPoints) {
  const config::Document many = document_of(3000);
  const TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  ResultBuilder builder(many, task);
  for (std::size_t p = 3000; p-- > 0;) {
    Record record{.point = p, .status = p % 100 == 7 ? Status::not_converged : Status::done};
    if (p % 100 == 7) record.message = "point " + std::to_string(p);
    if (p < 2000) record.algorithm = "computed";
    record.data.emplace_back(std::vector<double>{static_cast<double>(p)});
    record.summary = {{"current", static_cast<double>(p)}, {"certificate", p == 5 ? 0.5 : 0.25}};
    builder.add(record);
  }
  builder.add({.point = 107, .status = Status::done, .data = {std::vector<double>{1.0}}});
  const SweepResult result = builder.finish();
  EXPECT_EQ(result.tally.done, 2971U);
  EXPECT_EQ(result.tally.not_converged, 29U);
  EXPECT_EQ(result.worst_certificate, 0.5);
  ASSERT_NE(result.how(), nullptr);
  EXPECT_EQ(result.example.point, 0U);
  EXPECT_EQ(result.example.summary.front().second, 0.0);
  std::vector<std::size_t> shown;
  for (const auto& [p, record] : result.shown) {
    shown.push_back(p);
    EXPECT_EQ(record.summary.front().second, static_cast<double>(p));
  }
  EXPECT_THAT(shown, testing::ElementsAre(0, 299, 599, 899, 1199, 1499, 1799, 2099, 2399, 2699, 2999));
  ASSERT_EQ(result.messages.size(), 11U);
  EXPECT_EQ(result.messages[1].message, "point 207");
  EXPECT_EQ(result.messages[1].status, Status::not_converged);
}

TEST(ResultBuilder, KeepsTheFieldsThatAreAskedFor) {
  const config::Document some = document("[output]\nfields = ['current']\n");
  ResultBuilder builder(some, task_of(some));
  for (const Record& record : records_of(some)) builder.add(record);
  const SweepResult result = builder.finish();
  std::vector<std::string> names;
  for (const io::Field& field : result.fields) names.push_back(field.name);
  EXPECT_THAT(names, testing::ElementsAre("current", "status", "error"));
}

}  // namespace
}  // namespace lindrift::sweep
