// SPDX-License-Identifier: Apache-2.0
// Both sides of the activation buffer: a stream of jobs and lines, and a reader that walks every
// job's row tiles as the table builder does, compares what it reads, and releases it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/rtl/align/store_model.hpp"
#include "tests/rtl/support/alignment.hpp"
#include "tests/rtl/support/bench.hpp"
#include "tests/rtl/support/bits.hpp"
#include "tests/rtl/support/random.hpp"

namespace bitloom::rtl {

/// One job's activations, and what the reader shall find.
struct StoreJob {
  unsigned group_log2 = 0;  // log2 of the columns per group or block, less 5
  bool per_row = false;
  unsigned blocks = 1;
  unsigned tiles = 1;
  std::vector<std::vector<unsigned>> halves;  // of each token

  struct Block {
    std::vector<AlignedGroup> groups;
    bool nan = false;  // what the flag says
  };
  struct Token {
    int exponent = -14;
    std::vector<Block> blocks;
  };
  std::vector<Token> expected;

  [[nodiscard]] unsigned group_columns() const { return 32U << group_log2; }
  [[nodiscard]] unsigned tokens() const { return static_cast<unsigned>(halves.size()); }
  [[nodiscard]] unsigned block_slices(const StoreSizes& sizes) const {
    return std::max(1U, group_columns() / sizes.columns);
  }
  [[nodiscard]] unsigned block_columns(const StoreSizes& sizes) const {
    return std::max(group_columns(), sizes.columns);
  }
  [[nodiscard]] unsigned slices(const StoreSizes& sizes) const {
    return blocks * block_slices(sizes);
  }
  [[nodiscard]] unsigned readings(const StoreSizes& sizes) const {
    return per_row || sizes.two_pass ? 2 : 1;
  }
  [[nodiscard]] unsigned token_lines(const StoreSizes& sizes) const {
    return (slices(sizes) * sizes.slice_bits() + sizes.line_bits - 1) / sizes.line_bits;
  }

  /// Aligns `halves` as docs/arithmetic.md says.
  void expect(const StoreSizes& sizes) {
    for (const std::vector<unsigned>& token_halves : halves) {
      Token token;
      token.exponent = group_exponent(token_halves);
      bool nan = false;
      auto next = token_halves.begin();
      for (unsigned b = 0; b < blocks; ++b) {
        Block block;
        for (unsigned c = 0; c < block_columns(sizes); c += group_columns()) {
          const std::vector<unsigned> group(next, next + group_columns());
          const int exponent = per_row ? token.exponent : group_exponent(group);
          block.groups.push_back(align_to(group, sizes.mantissa_bits, exponent));
          nan = nan || block.groups.back().not_finite;
          next += group_columns();
        }
        block.nan = nan;
        token.blocks.push_back(block);
      }
      if (readings(sizes) == 2) {
        for (Block& block : token.blocks) block.nan = nan;
      }
      expected.push_back(token);
    }
  }
};

/// Groups of all kinds; zeros behind the last column; a NaN or infinity in some tokens.
inline StoreJob random_job(Random& random, const StoreSizes& sizes, unsigned most_slices) {
  StoreJob job;
  job.per_row = random.chance(25);
  job.group_log2 = job.per_row ? 3 : static_cast<unsigned>(random.between(0, 3));
  const unsigned most = std::max(1U, most_slices / job.block_slices(sizes));
  job.blocks = static_cast<unsigned>(random.between(1, random.chance(30) ? 1 : most));
  job.tiles = static_cast<unsigned>(random.between(1, 3));
  const std::int64_t tokens = random.between(1, sizes.tokens);
  const unsigned columns = job.blocks * job.block_columns(sizes);
  const auto padding = static_cast<unsigned>(random.between(0, job.block_columns(sizes) - 1));
  for (std::int64_t t = 0; t < tokens; ++t) {
    std::vector<unsigned> halves;
    const std::int64_t nan_at = random.chance(20) ? random.between(0, columns / 32 - 1) : -1;
    while (halves.size() < columns) {
      const auto group = static_cast<std::int64_t>(halves.size() / 32);
      const std::vector<unsigned> part = random_group(random, 32, group != nan_at);
      halves.insert(halves.end(), part.begin(), part.end());
    }
    std::fill(halves.end() - padding, halves.end(), 0U);
    job.halves.push_back(halves);
  }
  job.expect(sizes);
  return job;
}

/// Percent of the cycles in which each side does something when it can.
struct Pace {
  unsigned job = 100;
  unsigned line = 100;
  unsigned read = 100;
  unsigned release = 100;
};

template <class Model>
class StoreBench {
 public:
  static constexpr StoreSizes kSize = kSizes<Model>;

  StoreBench() : store_(set_idle), held_(kSize.tokens) {}

  Model* operator->() { return store_.operator->(); }
  Bench<Model>& model() { return store_; }

  /// The job's fields as bl_pkg::job_t has them; noise in those that the buffer does not use.
  void show_job(const StoreJob& job) {
    const bool shared_word = job.group_columns() < kSize.columns;
    const unsigned span =
        shared_word ? kSize.columns / job.group_columns() : job.group_columns() / kSize.columns;
    for (unsigned bit = 0; bit < 109; ++bit) set_bit(store_->job_i, bit, random_.chance(50));
    set(store_->job_i, 40, 5, job.tokens());
    set(store_->job_i, 47, 1, unsigned{job.per_row});
    set(store_->job_i, 58, 2, job.group_log2);
    set(store_->job_i, 60, 1, unsigned{shared_word});
    set(store_->job_i, 67, 6, span);
    set(store_->job_i, 73, 16, job.blocks);
  }

  /// Line `line` of a token; noise behind the token's end.
  void show_line(const std::vector<unsigned>& halves, unsigned line) {
    const unsigned line_halves = kSize.line_bits / 16;
    for (unsigned c = 0; c < line_halves; ++c) {
      const std::size_t column = std::size_t{line} * line_halves + c;
      set(store_->data_i, 16 * c, 16,
          column < halves.size() ? halves[column] : static_cast<unsigned>(random_.bits(16)));
    }
  }

  /// Runs `count` jobs, all sides at their pace, until all of their slices are released.
  void run(const std::function<StoreJob()>& next_job, unsigned count, const Pace& pace) {
    const unsigned done = released_jobs_ + count;
    start(count);
    for (unsigned cycle = 0; released_jobs_ < done; ++cycle) {
      REQUIRE(cycle < 200000);
      step(next_job, pace);
    }
    for (unsigned i = 0; i < 20; ++i) step(next_job, pace);
    CHECK(written_ == 0);
  }

  /// `step` may take as many jobs as that from `next_job`.
  void start(unsigned count) { jobs_left_ = count; }

  struct Line {
    unsigned cycle;
    unsigned slices;  // of the token, at least 1
  };
  std::vector<Line> lines;         // that were accepted
  std::vector<unsigned> written;   // cycles of block_written_o
  unsigned most_jobs_in_ring = 0;  // written in part or wholly, not released

  void step(const std::function<StoreJob()>& next_job, const Pace& pace) {
    offer_job(next_job, pace);
    offer_line(pace);
    // A pulse says that the block can be read in the same cycle.
    if (store_->block_written_o) {
      written.push_back(store_.cycle());
      ++written_;
    }
    read(pace);
    release(pace);
    store_.settle();
    const bool job_accepted = store_->job_valid_i && store_->job_ready_o;
    const bool line_accepted = store_->valid_i && store_->ready_o;
    const unsigned cycle = store_.cycle();
    store_.tick();
    check_read();
    if (job_accepted) {
      to_send_.push_back(*offered_);
      jobs_.push_back(*offered_);
      offered_.reset();
    }
    if (line_accepted) next_line(cycle);
  }

 private:
  template <class Port>
  static void assign(Port& port, std::uint64_t value) {
    port = static_cast<Port>(value);
  }

  static void set_idle(Model& store) {
    store.job_valid_i = 0;
    store.valid_i = 0;
    store.read_i = 0;
    store.read_slice_i = 0;
    store.read_tokens_i = 0;
    store.release_i = 0;
    for (unsigned bit = 0; bit < 109; ++bit) set_bit(store.job_i, bit, false);
    for (unsigned bit = 0; bit < kSize.line_bits; ++bit) set_bit(store.data_i, bit, false);
  }

  void offer_job(const std::function<StoreJob()>& next_job, const Pace& pace) {
    if (!offered_ && jobs_left_ > 0 && random_.chance(pace.job)) {
      offered_ = next_job();
      --jobs_left_;
      show_job(*offered_);
    }
    store_->job_valid_i = offered_.has_value();
  }

  void offer_line(const Pace& pace) {
    if (!line_shown_ && !to_send_.empty() && random_.chance(pace.line)) {
      line_shown_ = true;
      show_line(to_send_.front().halves[token_], line_);
    }
    store_->valid_i = line_shown_;
  }

  void next_line(unsigned cycle) {
    const StoreJob& job = to_send_.front();
    const unsigned line_slices = kSize.line_bits / kSize.slice_bits();
    lines.push_back({cycle, line_slices == 0
                                ? 1
                                : std::min(line_slices, job.slices(kSize) - line_ * line_slices)});
    line_shown_ = false;
    if (++line_ < job.token_lines(kSize)) return;
    line_ = 0;
    if (++token_ < job.tokens()) return;
    token_ = 0;
    if (++reading_ < job.readings(kSize)) return;
    reading_ = 0;
    to_send_.pop_front();
  }

  void read(const Pace& pace) {
    store_->read_i = 0;
    read_at_.reset();
    if (read_job_ == jobs_.size() || !random_.chance(pace.read)) return;
    const StoreJob& job = jobs_[read_job_];
    const unsigned block_slices = job.block_slices(kSize);
    if (tile_ == 0 && slice_ % block_slices == 0 && written_ == 0) return;
    store_->read_i = 1;
    assign(store_->read_slice_i, (base_ + slice_) % kSize.depth());
    read_tokens_ = random_.chance(50) ? ~std::uint64_t{0} : random_.bits(16);
    read_tokens_ &= (std::uint64_t{1} << kSize.tokens) - 1;
    assign(store_->read_tokens_i, read_tokens_);
    read_at_ = slice_;
    read_from_ = read_job_;
    if (tile_ == 0 && slice_ % block_slices == 0) --written_;
    if (tile_ + 1 == job.tiles) ++releasable_;
    if (++slice_ < job.slices(kSize)) return;
    slice_ = 0;
    if (++tile_ < job.tiles) return;
    tile_ = 0;
    base_ = (base_ + job.slices(kSize)) % kSize.depth();
    ++read_job_;
  }

  void release(const Pace& pace) {
    store_->release_i = releasable_ > 0 && random_.chance(pace.release);
    most_jobs_in_ring = std::max(most_jobs_in_ring, static_cast<unsigned>(jobs_.size()));
    if (!store_->release_i) return;
    --releasable_;
    if (++released_slices_ < jobs_.front().slices(kSize)) return;
    released_slices_ = 0;
    ++released_jobs_;
    if (read_at_ && read_from_ == 0) last_read_ = jobs_.front();
    jobs_.pop_front();
    --read_job_;
    --read_from_;
  }

  /// What a bank shows: a slice of a token of a job.
  struct Shown {
    std::vector<std::int64_t> mantissas;
    std::vector<std::uint64_t> group_data;

    bool operator==(const Shown&) const = default;
  };

  Shown shown(unsigned token) {
    Shown now;
    for (unsigned c = 0; c < kSize.columns; ++c) {
      now.mantissas.push_back(get_signed(store_->mantissas_o,
                                         (token * kSize.columns + c) * kSize.mantissa_bits,
                                         kSize.mantissa_bits));
    }
    for (unsigned s = 0; s < kSize.segments(); ++s) {
      const unsigned entry = token * kSize.segments() + s;
      const unsigned sum_bits = kSize.mantissa_bits + 8;
      now.group_data.push_back(get(store_->sums_o, entry * sum_bits, sum_bits));
      now.group_data.push_back(get(store_->exponents_o, entry * 5, 5));
    }
    now.group_data.push_back(get(store_->token_exponents_o, token * 5, 5));
    now.group_data.push_back(get(store_->nans_o, token, 1));
    return now;
  }

  void check_read() {
    for (unsigned t = 0; t < kSize.tokens; ++t) {
      const bool was_read = read_at_.has_value() && ((read_tokens_ >> t) & 1U) != 0;
      if (was_read) {
        const StoreJob& job = last_read_ ? *last_read_ : jobs_[read_from_];
        if (t < job.tokens()) compare(job, t, *read_at_);
        held_[t] = shown(t);
      } else if (held_[t] && random_.chance(10)) {
        CAPTURE(t);
        REQUIRE(shown(t) == *held_[t]);
      }
    }
    last_read_.reset();
  }

  void compare(const StoreJob& job, unsigned token, unsigned slice) {
    const Shown now = shown(token);
    const unsigned block_slices = job.block_slices(kSize);
    const StoreJob::Token& want = job.expected[token];
    const StoreJob::Block& block = want.blocks[slice / block_slices];
    CAPTURE(store_.cycle(), token, slice, job.group_log2, job.per_row, job.blocks);
    const bool last = slice % block_slices == block_slices - 1;
    if (last) REQUIRE(now.group_data.back() == (block.nan ? 1 : 0));
    if (block.nan) return;
    const unsigned first = slice % block_slices * kSize.columns;
    for (unsigned c = 0; c < kSize.columns; ++c) {
      const AlignedGroup& group = block.groups[(first + c) / job.group_columns()];
      if (now.mantissas[c] == group.mantissas[(first + c) % job.group_columns()]) continue;
      CAPTURE(c, job.halves[token][slice * kSize.columns + c], group.exponent);
      REQUIRE(now.mantissas[c] == group.mantissas[(first + c) % job.group_columns()]);
    }
    if (!last) return;
    const std::uint64_t sum_mask = (std::uint64_t{1} << (kSize.mantissa_bits + 8)) - 1;
    for (std::size_t g = 0; g < block.groups.size(); ++g) {
      CAPTURE(g);
      const auto sum = static_cast<std::uint64_t>(block.groups[g].sum);
      REQUIRE(now.group_data[2 * g] == (sum & sum_mask));
      REQUIRE(static_cast<int>(now.group_data[2 * g + 1]) == block.groups[g].exponent + 14);
    }
    if (job.readings(kSize) == 2) {
      REQUIRE(static_cast<int>(now.group_data[2 * kSize.segments()]) == want.exponent + 14);
    }
  }

  Bench<Model> store_;
  Random random_{91};
  unsigned jobs_left_ = 0;
  std::optional<StoreJob> offered_;
  std::deque<StoreJob> to_send_;  // accepted, not all of their lines sent
  unsigned reading_ = 0;
  unsigned token_ = 0;
  unsigned line_ = 0;
  bool line_shown_ = false;
  std::deque<StoreJob> jobs_;  // accepted, not all of their slices released
  std::size_t read_job_ = 0;   // the one being read
  unsigned tile_ = 0;
  unsigned slice_ = 0;
  unsigned base_ = 0;     // place in the ring of that job's first slice
  unsigned written_ = 0;  // blocks of which no slice has been read
  unsigned releasable_ = 0;
  unsigned released_slices_ = 0;
  unsigned released_jobs_ = 0;
  std::uint64_t read_tokens_ = 0;
  std::optional<unsigned> read_at_;    // slice whose data is due
  std::size_t read_from_ = 0;          // its job
  std::optional<StoreJob> last_read_;  // the same when the job was released with it
  std::vector<std::optional<Shown>> held_;
};

}  // namespace bitloom::rtl
