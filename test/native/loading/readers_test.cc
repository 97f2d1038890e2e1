#include "loading/readers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>

#include "platform/pages.h"
#include "support/fake_file.h"
#include "support/temporary_file.h"

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

TEST_F(ReadersTest, TryEveryReadAgainAndReportTheOneThatFailsForGood) {
  constexpr size_t kRequests = 5;
  for (uint64_t n = 0; n < kRequests; ++n) {
    FakeFile file("fake", std::vector<std::byte>(kRequests * 4096, std::byte{7}));
    std::vector<ReadRequest> requests;
    for (int i = 0; i < static_cast<int>(kRequests); ++i) {
      requests.push_back({&file, static_cast<uint64_t>(i) * 4096, memory_.data(), 4096, 4096, i});
    }
    for (const bool for_good : {false, true}) {
      Reports reports;
      Readers readers(1, reports.done());
      file.fail_read(n, for_good);
      readers.queue(requests, Urgency::demand);
      reports.await(kRequests);
      for (size_t i = 0; i < kRequests; ++i) {
        EXPECT_EQ(reports.status(i).ok(), !for_good || i < n) << n << " of " << i;
      }
      if (!for_good) continue;
      EXPECT_EQ(reports.status(n).code(), Code::io);
      EXPECT_NE(reports.status(n).message().find("tried 3 times"), std::string::npos);
    }
  }
}

// On a real file, in each way that its file system knows.
class ReadersOfAFile : public testing::TestWithParam<Access> {
 protected:
  static constexpr uint64_t kBytes = (16 << 20) + 1000;
  static constexpr uint64_t kRequest = 1 << 20;

  void SetUp() override {
    Result<std::unique_ptr<File>> file = open_file(
        temporary_.path(), GetParam() == Access::buffered ? Access::buffered : Access::direct);
    if (!file.ok()) GTEST_SKIP() << file.status().message();
    file_ = std::move(file.value());
    for (uint64_t at = 0; at < kBytes; at += kRequest) {
      requests_.push_back({file_.get(), at, memory_.data() + at, kRequest,
                           std::min(kRequest, kBytes - at), static_cast<int>(at / kRequest)});
    }
  }

  const TemporaryFile temporary_{kBytes};
  PageRegion memory_ = std::move(PageRegion::map(17 * kRequest).value());
  std::unique_ptr<File> file_;
  std::vector<ReadRequest> requests_;
  Reports reports_;
};

TEST_P(ReadersOfAFile, BringAllOfItAndReportEachRequestOnce) {
  Readers readers(3, reports_.done(), GetParam());
  for (const ReadRequest& request : requests_) readers.queue({request}, Urgency::prefetch);
  reports_.await(requests_.size());
  std::vector<int> layers = reports_.layers();
  std::sort(layers.begin(), layers.end());
  for (size_t i = 0; i < requests_.size(); ++i) {
    EXPECT_EQ(layers[i], static_cast<int>(i));
    EXPECT_TRUE(reports_.status(i).ok()) << reports_.status(i).message();
  }
  std::vector<std::byte> expected(kRequest);
  for (uint64_t i = 0; i < kRequest; ++i) expected[i] = static_cast<std::byte>(i);
  for (const ReadRequest& request : requests_) {
    EXPECT_EQ(std::memcmp(request.into, expected.data(), request.required), 0) << request.offset;
  }
  EXPECT_EQ(readers.totals().bytes, kBytes);
}

TEST_P(ReadersOfAFile, TellOfAFileCutShort) {
  Readers readers(2, reports_.done(), GetParam());
  std::filesystem::resize_file(temporary_.path(), 5 * kRequest);
  readers.queue({requests_[4], requests_[5]}, Urgency::demand);
  reports_.await(2);
  const size_t cut = reports_.layers()[0] == 5 ? 0 : 1;
  EXPECT_TRUE(reports_.status(1 - cut).ok());
  EXPECT_EQ(reports_.status(cut).code(), Code::corrupt);
  EXPECT_NE(reports_.status(cut).message().find(temporary_.path()), std::string::npos);
  EXPECT_NE(reports_.status(cut).message().find("offset 5242880"), std::string::npos);
}

TEST_P(ReadersOfAFile, EndWhileTheyRead) {
  for (int round = 0; round < 20; ++round) {
    Readers readers(4, reports_.done(), GetParam());
    readers.queue(requests_, Urgency::prefetch);
    EXPECT_LE(readers.drop(9), 1u);
  }
}

// Neither what they read nor what the system would read ahead of it.
TEST_F(ReadersTest, LeaveNothingInThePageCache) {
  constexpr size_t kPages = 4096;
  const TemporaryFile temporary(kPages * kPageSize);
  const int descriptor = ::open(temporary.path().c_str(), O_RDONLY);
  ASSERT_EQ(::fsync(descriptor), 0);
  ::close(descriptor);
  const std::unique_ptr<File> file =
      std::move(open_file(temporary.path(), Access::buffered).value());
  std::vector<uint8_t> cached(kPages);
  const auto count_cached = [&] {
    EXPECT_TRUE(file->resident_pages(0, cached).ok());
    return std::count(cached.begin(), cached.end(), 1);
  };
  file->drop_cache(0, kPages * kPageSize);
  if (count_cached() > 0) GTEST_SKIP() << "the system keeps this file in memory";
  std::vector<std::byte> into(64 * kPageSize);
  Readers readers(1, reports_.done(), Access::buffered);
  for (int i = 0; i < 3; ++i) {
    readers.queue({{file.get(), i * into.size(), into.data(), into.size(), into.size(), i}},
                  Urgency::demand);
  }
  reports_.await(3);
  EXPECT_EQ(count_cached(), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, ReadersOfAFile,
                         testing::Values(Access::buffered, Access::direct, Access::uring),
                         [](const testing::TestParamInfo<Access>& way) {
                           return std::string(way.param == Access::buffered ? "Buffered"
                                              : way.param == Access::direct ? "Direct"
                                                                            : "Uring");
                         });

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
