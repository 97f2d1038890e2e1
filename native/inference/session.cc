#include "inference/session.h"

#include "scheduling/graph_check.h"

namespace hyperion {
namespace {

Result<Access> choose_access(const Model& model, Io io) {
  if (io == Io::direct && !model.has_direct()) {
    return Status(Code::unsupported,
                  "io is 'direct', but the model's file system refuses direct reads");
  }
  if (io == Io::mapped) return Access::mapped;
  return io == Io::buffered || !model.has_direct() ? Access::buffered : Access::direct;
}

}  // namespace

Result<std::shared_ptr<Session>> Session::create(std::shared_ptr<Model> model, Graph graph,
                                                 const SessionOptions& options) {
  if (const char* problem = isa_override_problem()) return Status(Code::unsupported, problem);
  if (Status status = check_options(options); !status.ok()) return status;
  if (Status status = check_graph(graph, *model); !status.ok()) return status;
  Result<Access> access = choose_access(*model, options.io);
  if (!access.ok()) return access.status();
  const Requirements requirements(graph, *model, options);
  if (Status status = requirements.check(1); !status.ok()) return status;
  if (Status status = requirements.check_strategy(); !status.ok()) return status;

  std::shared_ptr<Session> session(
      new Session(std::move(model), std::move(graph), options, access.value()));
  if (session->store_->reader_threads() == 0 || session->executor_->reader_threads() == 0 ||
      session->thread_ == nullptr) {
    return Status(Code::out_of_memory, "the operating system refuses another thread");
  }
  Status reserved = session->memory_.use(session->requirements_.strategy());
  if (!reserved.ok()) return reserved;
  if (access.value() == Access::mapped) {
    if (Status status = session->store_->map_files(); !status.ok()) return status;
  }
  return session;
}

Session::Session(std::shared_ptr<Model> model, Graph graph, const SessionOptions& options,
                 Access access)
    : model_(std::move(model)),
      graph_(std::move(graph)),
      options_(options),
      access_(access),
      requirements_(graph_, *model_, options),
      memory_(options.budget, monitor_),
      store_(std::make_unique<LayerStore>(
          *model_, requirements_.parts().parts, memory_,
          StoreOptions{.readers = options.readers,
                       .prefetch_window = options.prefetch_window,
                       .access = access,
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

Status Session::reserve(uint64_t positions) const {
  if (Status status = requirements_.check_positions(positions); !status.ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    if (Status status = usable(); !status.ok()) return status;
  }
  return requirements_.check(positions);
}

Status Session::check_forward(const std::vector<int32_t>& ids, size_t results) const {
  if (ids.empty()) return Status(Code::invalid, "there are no token ids");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<uint64_t>(ids[i]) >= graph_.vocab) {
      return Status(Code::invalid, "token id " + std::to_string(ids[i]) + " at index " +
                                       std::to_string(i) + " is outside the vocabulary of " +
                                       std::to_string(graph_.vocab));
    }
  }
  const uint64_t width = result_width(graph_);
  if (results != 0 && results != width && results != ids.size() * width) {
    return Status(Code::invalid, "the result has " + std::to_string(results) +
                                     " numbers; it must have 0, " + std::to_string(width) + " or " +
                                     std::to_string(ids.size() * width));
  }
  if (position_ > 0 && reads_whole_text(graph_)) {
    return Status(Code::invalid,
                  "the model reads whole texts: nothing can be appended; reset the session first");
  }
  return reserve(position_ + ids.size());
}

Status Session::forward(std::vector<int32_t> ids, std::span<float> results, Done done) {
  if (Status status = check_forward(ids, results.size()); !status.ok()) return status;
  ResultRows rows = ResultRows::none;
  if (!results.empty()) {
    rows = results.size() == result_width(graph_) ? ResultRows::last : ResultRows::all;
  }
  {
    const std::lock_guard lock(mutex_);
    if (busy_) return Status(Code::invalid, "the session is running a forward pass already");
    busy_ = true;
    job_ = std::make_unique<Job>(Job{std::move(ids), rows, results.data(), std::move(done)});
  }
  wake_.notify_one();
  return {};
}

Status Session::reset() {
  const std::lock_guard lock(mutex_);
  if (Status status = usable(); !status.ok()) return status;
  if (busy_) return Status(Code::invalid, "the session is running a forward pass");
  executor_->clear();
  position_ = 0;
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
  statistics.tokens = tokens_;
  statistics.position = position_;
  statistics.prefill_chunk = requirements_.chunk(std::max<uint64_t>(position_, 1));
  statistics.access = access_;
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
    cancelled_ = stop_;
    lock.unlock();
    job->done(status);
    lock.lock();
  }
}

Status Session::run(const Job& job) {
  if (cancelled_) return Status(Code::cancelled, "the pass was cancelled");
  Status status = executor_->forward(job.ids, position_, job.rows, job.results);
  // Freeing memory for a pass may fail because of the cancel.
  if (!status.ok() && cancelled_) return Status(Code::cancelled, "the pass was cancelled");
  if (!status.ok()) return status;
  position_ += job.ids.size();
  tokens_ += job.ids.size();
  return status;
}

}  // namespace hyperion
