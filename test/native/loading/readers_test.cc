#include "loading/readers.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "support/fake_file.h"

namespace hyperion {
namespace {

// Collects what readers report.
class Reports {
 public:
  Readers::Done done() {
    return [this](int layer, const Status& status) {
      {
        const std::lock_guard lock(mutex_);
        layers_.push_back(layer);
        statuses_.push_back(status);
      }
      changed_.notify_all();
    };
  }
  void await(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return layers_.size() >= count; });
  }
  std::vector<int> layers() {
    const std::lock_guard lock(mutex_);
    return layers_;
  }
  Status status(size_t index) {
    const std::lock_guard lock(mutex_);
    return statuses_[index];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> layers_;
  std::vector<Status> statuses_;
};

class ReadersTest : public testing::Test {
 protected:
  ReadRequest request(int layer, uint64_t offset = 0, uint64_t required = 4096) {
    return {&file_, offset, memory_.data(), 4096, required, layer};
  }

  FakeFile file_{"fake", std::vector<std::byte>(8192, std::byte{7})};
  std::vector<std::byte> memory_ = std::vector<std::byte>(4096);
  Reports reports_;
};

TEST_F(ReadersTest, ReadDemandBeforePrefetch) {
  Readers readers(1, reports_.done());
  file_.shut_gate();
  readers.queue({request(0)}, Urgency::prefetch);
  file_.await_waiting(1);
  readers.queue({request(1), request(2)}, Urgency::prefetch);
  readers.queue({request(3)}, Urgency::demand);
  readers.promote(2);
  file_.open_gate();
  reports_.await(4);
  EXPECT_EQ(reports_.layers(), (std::vector<int>{0, 3, 2, 1}));
  EXPECT_EQ(readers.totals().bytes, 4u * 4096);
}

TEST_F(ReadersTest, DropWhatIsQueuedAndReportWhatIsRead) {
  Readers readers(1, reports_.done());
  file_.shut_gate();
  readers.queue({request(0), request(0), request(1)}, Urgency::demand);
  file_.await_waiting(1);
  EXPECT_EQ(readers.drop(0), 1u);
  file_.open_gate();
  reports_.await(2);
  EXPECT_EQ(reports_.layers(), (std::vector<int>{0, 1}));
}

TEST_F(ReadersTest, PutTogetherReadsThatComeInPieces) {
  file_.set_most_at_once(1000);
  Readers readers(1, reports_.done());
  readers.queue({request(0)}, Urgency::demand);
  reports_.await(1);
  EXPECT_TRUE(reports_.status(0).ok());
  EXPECT_EQ(memory_, std::vector<std::byte>(4096, std::byte{7}));
}

TEST_F(ReadersTest, ReportAnErrorWithFileAndOffset) {
  file_.fail_at(5000);
  Readers readers(1, reports_.done());
  readers.queue({request(0, 4096)}, Urgency::demand);
  reports_.await(1);
  EXPECT_EQ(reports_.status(0).code(), Code::io);
  EXPECT_NE(reports_.status(0).message().find("fake"), std::string::npos);
  EXPECT_NE(reports_.status(0).message().find("4096"), std::string::npos);
}

TEST_F(ReadersTest, TakeAShortReadOnlyPastWhatIsRequired) {
  file_.cut(6000);
  Readers readers(1, reports_.done());
  readers.queue({request(0, 4096, 6000 - 4096), request(1, 4096, 6001 - 4096)}, Urgency::demand);
  reports_.await(2);
  EXPECT_TRUE(reports_.status(0).ok());
  EXPECT_EQ(reports_.status(1).code(), Code::corrupt);
}

TEST_F(ReadersTest, EndWithRequestsQueued) {
  file_.shut_gate();
  auto readers = std::make_unique<Readers>(2, reports_.done());
  readers->queue({request(0), request(1), request(2), request(3)}, Urgency::prefetch);
  file_.await_waiting(2);
  std::thread opener([&] { file_.open_gate(); });
  readers.reset();
  opener.join();
  EXPECT_LE(reports_.layers().size(), 4u);
  EXPECT_GE(reports_.layers().size(), 2u);
}

}  // namespace
}  // namespace hyperion
