// Sessions on the tiny network, run to the end of each pass.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

#include "inference/session.h"
#include "support/tiny_llama.h"

namespace hyperion {

inline std::vector<int32_t> some_ids(size_t count, uint64_t vocab = 23) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < count; ++i) ids.push_back(static_cast<int32_t>((i * 7 + i / 5) % vocab));
  return ids;
}

inline std::shared_ptr<Session> open(const TinyLlama& network, SessionOptions options) {
  Result<std::shared_ptr<Session>> session =
      Session::create(network.fake.model, network.graph, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return session.ok() ? session.value() : nullptr;
}

// Starts a pass of one sequence that asks for nothing.
inline Status start(Session& session, const std::vector<int32_t>& ids, Session::Done done) {
  const SequencePart part = {0, ids.size(), ResultRows::none};
  return session.forward(ids, {&part, 1}, {}, std::move(done));
}

// Runs a pass and waits for it.
inline Status forward(Session& session, const std::vector<int32_t>& ids,
                      std::span<const SequencePart> parts, std::span<float> results) {
  std::promise<Status> outcome;
  const Status refused = session.forward(ids, parts, results,
                                         [&](const Status& status) { outcome.set_value(status); });
  return refused.ok() ? outcome.get_future().get() : refused;
}

inline Status forward(Session& session, const std::vector<int32_t>& ids, std::span<float> results) {
  const SequencePart part = {0, ids.size(), results.empty() ? ResultRows::none : ResultRows::all};
  return forward(session, ids, {&part, 1}, results);
}

inline std::vector<float> all_logits(Session& session, const std::vector<int32_t>& ids,
                                     uint64_t vocab) {
  std::vector<float> logits(ids.size() * vocab);
  const Status status = forward(session, ids, logits);
  EXPECT_TRUE(status.ok()) << status.message();
  return logits;
}

}  // namespace hyperion
