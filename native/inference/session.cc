#include "inference/session.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "loading/choose_reading.h"
#include "scheduling/graph_check.h"

namespace hyperion {

Result<std::shared_ptr<Session>> Session::create(std::shared_ptr<Model> model, Graph graph,
                                                 const SessionOptions& options) {
  if (const char* problem = isa_override_problem()) return Status(Code::unsupported, problem);
  if (Status status = check_options(options); !status.ok()) return status;
  if (Status status = check_graph(graph, *model); !status.ok()) return status;
  const Access access = first_access(*model, options.io);
  if (Status status = check_access(*model, access); !status.ok()) return status;
  const Requirements requirements(graph, *model, options);
  if (Status status = requirements.check(1); !status.ok()) return status;
  if (Status status = requirements.check_strategy(); !status.ok()) return status;

  std::shared_ptr<Session> session(
      new Session(std::move(model), std::move(graph), options, access));
  if (session->store_->reader_threads() == 0 || session->executor_->reader_threads() == 0 ||
      session->thread_ == nullptr) {
    return Status(Code::out_of_memory, "the operating system refuses another thread");
  }
  Status reserved = session->memory_.use(session->requirements_.strategy());
  if (!reserved.ok()) return reserved;
  if (access == Access::mapped) {
    if (Status status = session->store_->map_files(); !status.ok()) return status;
  }
  return session;
}

Session::Session(std::shared_ptr<Model> model, Graph graph, const SessionOptions& options,
                 Access access)
    : model_(std::move(model)),
      graph_(std::move(graph)),
      options_(options),
      requirements_(graph_, *model_, options),
      memory_(options.budget, monitor_),
      store_(std::make_unique<LayerStore>(*model_, requirements_.parts().parts, memory_,
                                          StoreOptions{.readers = options.readers,
                                                       .prefetch_window = options.prefetch_window,
                                                       .access = access,
                                                       .adaptive_window = options.adaptive_window,
                                                       .policy = options.policy,
                                                       .slot_bytes = requirements_.part_bytes()},
                                          cancelled_)),
      executor_(std::make_unique<Executor>(
          Executor::Parts{graph_, *model_, requirements_, memory_, *store_, cancelled_}, options,
          access)) {
  memory_.set_reclaim([this] { return store_->reclaim(); });
  thread_ = Thread::start("hyp-engine", [this] { work(); });
}

Status Session::usable() const {
  if (model_->closed()) return Status(Code::closed, "the session's model is closed");
  if (stop_) return Status(Code::closed, "the session is closed");
  return {};
}

Status Session::reserve(std::span<const uint64_t> lengths) const {
  for (const uint64_t length : lengths) {
    if (Status status = requirements_.check_positions(length); !status.ok()) return status;
  }
  {
    const std::lock_guard lock(mutex_);
    if (Status status = usable(); !status.ok()) return status;
  }
  return requirements_.check(Extent(lengths));
}

Status Session::keep_room(std::vector<uint64_t> lengths) {
  const std::lock_guard lock(mutex_);
  if (Status status = usable(); !status.ok()) return status;
  if (Status status = requirements_.check(Extent(lengths)); !status.ok()) return status;
  kept_lengths_ = std::move(lengths);
  return {};
}

uint64_t Session::smallest_budget(std::vector<uint64_t> lengths) const {
  const std::lock_guard lock(mutex_);
  if (stop_) return 0;
  if (lengths.empty()) lengths = needed_lengths();
  return requirements_.smallest_running(Extent(lengths), executor_->sized_rows());
}

Status Session::set_budget(uint64_t bytes) {
  if (bytes == 0) return Status(Code::invalid, "budget is 0; it must be positive");
  const std::lock_guard changing(budget_mutex_);
  const uint64_t before = budget();
  if (Status status = change_budget(bytes); !status.ok()) return status;
  bool released = false;
  while (!memory_.settle()) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return usable();
      if (!busy_ && released) {
        // No pass is left that could give anything back: the blocks of a strategy lie so far apart
        // that it holds more than was counted.
        const uint64_t held = memory_.budget().charged();
        adopt_budget(before);
        return over_budget(held, bytes, held);
      }
      if (!busy_) executor_->release(lengths_);
      released = !busy_;
    }
    // What is pinned now comes back when its layer has run, and without a signal.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

// REQUIRES: the budget's lock is held.
Status Session::change_budget(uint64_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (Status status = usable(); !status.ok()) return status;
  }
  const auto sizes = executor_->hold_sizes();
  const std::lock_guard lock(mutex_);
  Status status =
      requirements_.check_budget(bytes, Extent(needed_lengths()), executor_->sized_rows());
  if (!status.ok()) return status;
  if (!busy_) executor_->release(lengths_);
  adopt_budget(bytes);
  return {};
}

void Session::adopt_budget(uint64_t bytes) {
  requirements_.set_budget(bytes);
  memory_.set_budget(bytes);
  store_->plan_anew();
}

// REQUIRES: the lock is held.
std::vector<uint64_t> Session::needed_lengths() const {
  std::vector<uint64_t> needed = lengths_;
  for (const std::vector<uint64_t>& lengths : {pass_lengths_, kept_lengths_}) {
    if (needed.size() < lengths.size()) needed.resize(lengths.size());
    for (size_t i = 0; i < lengths.size(); ++i) needed[i] = std::max(needed[i], lengths[i]);
  }
  // An empty session still needs room for a token.
  if (Extent(needed).positions == 0) needed.assign(1, 1);
  return needed;
}

Status Session::check_ids(const std::vector<int32_t>& ids) const {
  if (ids.empty()) return Status(Code::invalid, "there are no token ids");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<uint64_t>(ids[i]) >= graph_.vocab) {
      return Status(Code::invalid, "token id " + std::to_string(ids[i]) + " at index " +
                                       std::to_string(i) + " is outside the vocabulary of " +
                                       std::to_string(graph_.vocab));
    }
  }
  return {};
}

// The pass that appends the parts to the sequences as they are. REQUIRES: the lock is held.
Result<Pass> Session::plan_pass(std::vector<int32_t> ids, std::span<const SequencePart> parts,
                                std::span<float> results) const {
  Pass pass = {std::move(ids), {}, lengths_, results.data()};
  for (const SequencePart& part : parts) {
    if (Status status = append(pass, part); !status.ok()) return status;
  }
  const auto asked = std::count_if(pass.places.begin(), pass.places.end(),
                                   [](const Place& place) { return place.asked; });
  const uint64_t numbers = static_cast<uint64_t>(asked) * result_width(graph_);
  if (pass.places.size() != pass.ids.size() || results.size() != numbers) {
    return Status(Code::invalid, "the parts take " + std::to_string(pass.places.size()) +
                                     " token ids and make " + std::to_string(numbers) +
                                     " numbers; there are " + std::to_string(pass.ids.size()) +
                                     " ids, and room for " + std::to_string(results.size()));
  }
  if (Status status = requirements_.check(Extent(pass.lengths)); !status.ok()) return status;
  return pass;
}

Status Session::append(Pass& pass, const SequencePart& part) const {
  if (part.sequence >= kMostSequences) {
    return Status(Code::invalid, "sequence " + std::to_string(part.sequence) + ": a session has " +
                                     std::to_string(kMostSequences));
  }
  if (pass.lengths.size() <= part.sequence) pass.lengths.resize(part.sequence + 1);
  uint64_t& length = pass.lengths[part.sequence];
  const uint64_t position = part.sequence < lengths_.size() ? lengths_[part.sequence] : 0;
  if (part.tokens == 0 || length != position) {
    return Status(Code::invalid, "a pass has one part for a sequence, with a token at least");
  }
  if (position > 0 && reads_whole_text(graph_)) {
    return Status(Code::invalid,
                  "the model reads whole texts: nothing can be appended; reset the session first");
  }
  if (Status status = requirements_.check_positions(position + part.tokens); !status.ok()) {
    return status;
  }
  length += part.tokens;
  for (uint64_t at = position; at < length; ++at) {
    const bool last = at + 1 == length && part.rows == ResultRows::last;
    pass.places.push_back({part.sequence, last || part.rows == ResultRows::all, at, length});
  }
  return {};
}

Status Session::forward(std::vector<int32_t> ids, std::span<const SequencePart> parts,
                        std::span<float> results, Done done) {
  if (Status status = check_ids(ids); !status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    if (Status status = usable(); !status.ok()) return status;
    if (busy_) return Status(Code::invalid, "the session is running a forward pass already");
    Result<Pass> pass = plan_pass(std::move(ids), parts, results);
    if (!pass.ok()) return pass.status();
    busy_ = true;
    pass_lengths_ = pass.value().lengths;
    job_ = std::make_unique<Job>(Job{std::move(pass.value()), std::move(done)});
  }
  wake_.notify_one();
  return {};
}

Status Session::rewind(uint32_t sequence, uint64_t position) {
  const std::lock_guard lock(mutex_);
  const uint64_t length = sequence < lengths_.size() ? lengths_[sequence] : 0;
  if (position > length) {
    return Status(Code::invalid, "position is " + std::to_string(position) + "; the sequence has " +
                                     std::to_string(length) + " tokens");
  }
  if (position > 0 && position < length && reads_whole_text(graph_)) {
    return Status(Code::invalid, "the model reads whole texts: a text is forgotten whole");
  }
  std::vector<uint64_t> lengths = lengths_;
  if (position < length) lengths[sequence] = position;
  return shrink(std::move(lengths));
}

Status Session::reset() {
  const std::lock_guard lock(mutex_);
  return shrink({});
}

// REQUIRES: the lock is held.
Status Session::shrink(std::vector<uint64_t> lengths) {
  if (Status status = usable(); !status.ok()) return status;
  if (busy_) return Status(Code::invalid, "the session is running a forward pass");
  executor_->shrink(lengths);
  lengths_ = std::move(lengths);
  return {};
}

void Session::cancel() {
  {
    const std::lock_guard lock(mutex_);
    if (!busy_) return;
    cancelled_ = true;
  }
  store_->interrupt();
  executor_->interrupt();
}

void Session::begin_close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    cancelled_ = true;
  }
  store_->interrupt();
  executor_->interrupt();
  wake_.notify_one();
}

void Session::close() {
  const std::lock_guard closing(close_mutex_);
  if (thread_ == nullptr) return;
  begin_close();
  const std::lock_guard changing(budget_mutex_);
  thread_.reset();
  executor_.reset();
  store_.reset();
  monitor_.events.stop();
  recording_.free();
  // What a strategy holds beyond blocks goes too; the default one can always be had.
  (void)memory_.use({});
}

SessionStatistics Session::statistics() const {
  SessionStatistics statistics;
  statistics.store = store_->statistics();
  const ReadTotals lookups = executor_->lookups();
  statistics.store.reads.bytes += lookups.bytes;
  statistics.store.reads.ms += lookups.ms;
  statistics.store.stall_ms += executor_->lookup_wait_ms();
  statistics.compute_ms = executor_->compute_ms();
  statistics.threads = executor_->threads();
  statistics.tokens = tokens_;
  {
    const std::lock_guard lock(mutex_);
    const Extent extent(lengths_);
    statistics.position = extent.positions;
    statistics.prefill_chunk = requirements_.chunk(extent.positions == 0 ? 1 : extent);
  }
  statistics.access = store_->access();
  statistics.resident_layers = store_->resident_layers();
  return statistics;
}

Status Session::record_events(bool on) {
  if (on == !recording_.empty()) return {};
  if (!on) {
    monitor_.events.stop();
    recording_.free();
    return {};
  }
  Result<Region> region = Region::map(memory_, Tag::scratch, kRecordingBytes);
  if (!region.ok()) return region.status();
  recording_ = std::move(region.value());
  monitor_.events.start({reinterpret_cast<Event*>(recording_.data()), kRecordedEvents});
  return {};
}

void Session::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stop_ || job_ != nullptr; });
    if (job_ == nullptr) return;
    const std::unique_ptr<Job> job = std::move(job_);
    lock.unlock();
    Status status = run(*job);
    lock.lock();
    if (stop_ && !status.ok())
      status = Status(Code::closed, "the session was closed during the pass");
    busy_ = false;
    pass_lengths_.clear();
    cancelled_ = stop_;
    lock.unlock();
    job->done(status);
    lock.lock();
  }
}

Status Session::run(const Job& job) {
  if (cancelled_) return Status(Code::cancelled, "the pass was cancelled");
  if (options_.io == Io::automatic && !began_) {
    store_->read_by(choose_reading(*model_, options_.readers).access);
  }
  began_ = true;
  Status status = executor_->forward(job.pass);
  // Freeing memory for a pass may fail because of the cancel.
  if (!status.ok() && cancelled_) return Status(Code::cancelled, "the pass was cancelled");
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  lengths_ = job.pass.lengths;
  tokens_ += job.pass.ids.size();
  return status;
}

}  // namespace hyperion
