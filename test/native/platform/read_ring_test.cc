#include "platform/read_ring.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "platform/file.h"
#include "platform/pages.h"
#include "platform/thread.h"
#include "support/temporary_file.h"

namespace hyperion {
namespace {

class ReadRingTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<ReadRing>> ring = ReadRing::create(kDepth);
    if (ring.status().code() == Code::unsupported) GTEST_SKIP() << ring.status().message();
    ASSERT_TRUE(ring.ok());
    ring_ = std::move(ring.value());
    file_ = std::move(open_file(temporary_.path(), Access::buffered).value());
  }

  std::span<std::byte> page(uint64_t index) {
    return {memory_.data() + index * kPageSize, kPageSize};
  }

  static constexpr size_t kDepth = 4;
  const TemporaryFile temporary_{10000};
  std::unique_ptr<File> file_;
  PageRegion memory_ = std::move(PageRegion::map(kDepth * kPageSize).value());
  std::unique_ptr<ReadRing> ring_;  // last: no read outlives its memory
};

TEST_F(ReadRingTest, ReadsAsManyAsItIsDeepAgainAndAgain) {
  for (int round = 0; round < 100; ++round) {
    for (uint64_t i = 0; i < kDepth; ++i) {
      page(i)[0] = std::byte{0};
      ring_->begin(file_->descriptor(), i * 100 + 1, page(i), i);
    }
    std::map<uint64_t, int64_t> ended;
    while (ended.size() < kDepth) {
      const auto read = ring_->wait();
      ASSERT_TRUE(read);
      ended[read->token] = read->bytes;
    }
    for (uint64_t i = 0; i < kDepth; ++i) {
      EXPECT_EQ(ended.at(i), static_cast<int64_t>(kPageSize));
      EXPECT_EQ(page(i)[0], static_cast<std::byte>(i * 100 + 1));
    }
  }
}

TEST_F(ReadRingTest, TellsOfShortAndOfFailedReads) {
  ring_->begin(file_->descriptor(), 9000, page(0), 7);
  EXPECT_EQ(ring_->wait()->bytes, 1000);
  ring_->begin(-1, 0, page(0), 8);
  const auto failed = ring_->wait();
  EXPECT_EQ(failed->token, 8u);
  EXPECT_LT(failed->bytes, 0);
}

TEST_F(ReadRingTest, IsWokenWithNothingToRead) {
  for (int round = 0; round < 3; ++round) {
    const auto waker = Thread::start("wakes", [&] { ring_->wake(); });
    EXPECT_FALSE(ring_->wait());
  }
  ring_->wake();
  ring_->wake();
  EXPECT_FALSE(ring_->wait()) << "both at once";
  ring_->begin(file_->descriptor(), 0, page(0), 1);
  EXPECT_TRUE(ring_->wait());
}

}  // namespace
}  // namespace hyperion
