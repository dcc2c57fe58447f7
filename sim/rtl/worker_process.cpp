// SPDX-License-Identifier: Apache-2.0
#include "sim/rtl/worker_process.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>
#include <utility>

#include "sw/error/error.hpp"

namespace bitloom::sim {
namespace {

constexpr std::size_t kLogLines = 8;

struct Sockets {
  FileDescriptor ours;
  FileDescriptor theirs;
};

// One socket pair serves as the worker's stdin and stdout; unlike a pipe it can be written to with
// SIGPIPE held back.
Sockets make_sockets() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot make a socket pair");
  return {FileDescriptor(pair[0]), FileDescriptor(pair[1])};
}

std::string log_text(int log) {
  std::string text;
  std::array<char, 4096> chunk{};
  off_t offset = 0;
  for (ssize_t got = 0; (got = ::pread(log, chunk.data(), chunk.size(), offset)) > 0; offset += got)
    text.append(chunk.data(), static_cast<std::size_t>(got));
  return text;
}

Subprocess start(const std::filesystem::path& executable, FileDescriptor& ours, int log) {
  try {
    Sockets sockets = make_sockets();
    ours = std::move(sockets.ours);
    return {{executable.string()}, sockets.theirs.get(), sockets.theirs.get(), log};
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::rtl_fault,
                {"simulation worker " + executable.string(), error.what(), "its start", ""});
  }
}

}  // namespace

// A payload taken apart; one that is too short or too long for its fields is a fault.
template <typename Take>
auto WorkerProcess::parse(const Frame& frame, Take take) const {
  try {
    PayloadReader reader(frame.payload);
    auto value = take(reader);
    reader.finish();
    return value;
  } catch (const ProtocolError& error) {
    fail(error.what(), "whole messages");
  }
}

WorkerProcess::WorkerProcess(const std::filesystem::path& executable, const std::string& hash,
                             std::chrono::milliseconds reply_limit)
    : executable_(executable),
      reply_limit_(reply_limit),
      log_(::memfd_create("bl_worker.log", MFD_CLOEXEC)),
      process_(start(executable, socket_, log_.get())),
      link_(socket_.get(), socket_.get()) {
  PayloadWriter request;
  request.u32(kProtocolRevision);
  const Frame reply = ask(Message::hello, request, Message::hello_reply);
  std::uint32_t revision = 0;
  const std::string found_hash = parse(reply, [&](PayloadReader& reader) {
    revision = reader.u32();
    beat_bytes_ = reader.u32();
    return reader.text();
  });
  if (revision != kProtocolRevision)
    fail(fmt::format("protocol revision {}", revision),
         fmt::format("revision {}", kProtocolRevision));
  if (found_hash != hash) fail("a worker built as " + found_hash, hash);
}

WorkerProcess::~WorkerProcess() {
  constexpr std::chrono::seconds kGrace{10};
  socket_.reset();  // the end of its input
  if (observed_)
    process_.wait();
  else
    process_.wait(kGrace);
}

void WorkerProcess::fail(const std::string& found, const std::string& expected) const {
  throw Error(ErrorCode::rtl_fault, {"simulation worker " + executable_.string(), found, expected,
                                     last_lines(log_text(log_.get()), kLogLines)});
}

void WorkerProcess::fail_dead() {
  constexpr std::chrono::seconds kGrace{2};  // it closed the link, so it is on its way out
  const std::string status = process_.wait(kGrace);
  fail("its end (" + status + ")", "an answer");
}

Frame WorkerProcess::receive() {
  try {
    if (!link_.wait_readable(static_cast<int>(reply_limit_.count()))) {
      process_.wait(std::chrono::milliseconds::zero());
      fail(fmt::format("no answer for {} ms", reply_limit_.count()), "an answer");
    }
    std::optional<Frame> frame = link_.receive();
    if (!frame) fail_dead();
    return std::move(*frame);
  } catch (const std::system_error&) {  // the connection was reset
    fail_dead();
  } catch (const ProtocolError& error) {
    fail(error.what(), "whole frames");
  }
}

void WorkerProcess::expect(const Frame& frame, Message expected) const {
  if (frame.type == expected) return;
  if (frame.type == Message::fault)
    fail(parse(frame, [](PayloadReader& reader) { return reader.text(); }), "");
  if (frame.type == Message::error)
    fail(parse(frame,
               [](PayloadReader& reader) {
                 const std::uint32_t refusal = reader.u32();
                 return fmt::format("a refused request ({}: {})", refusal, reader.text());
               }),
         "");
  fail(fmt::format("message {}", static_cast<std::uint32_t>(frame.type)),
       fmt::format("message {}", static_cast<std::uint32_t>(expected)));
}

void WorkerProcess::send(Message request, const PayloadWriter& payload) {
  try {
    link_.send(request, payload.payload());
  } catch (const std::system_error&) {
    fail_dead();
  }
}

Frame WorkerProcess::ask(Message request, const PayloadWriter& payload, Message expected) {
  send(request, payload);
  Frame reply = receive();
  expect(reply, expected);
  return reply;
}

void WorkerProcess::observe(const Observation& observation) {
  PayloadWriter payload;
  put(payload, observation);
  ask(Message::observe, payload, Message::ok);
  observed_ = true;
}

void WorkerProcess::configure(const SystemSettings& settings) {
  PayloadWriter payload;
  put(payload, settings);
  ask(Message::configure, payload, Message::ok);
}

void WorkerProcess::map(std::uint64_t address, std::uint64_t bytes) {
  PayloadWriter payload;
  payload.u64(address).u64(bytes);
  ask(Message::map, payload, Message::ok);
}

void WorkerProcess::unmap(std::uint64_t address) {
  PayloadWriter payload;
  payload.u64(address);
  ask(Message::unmap, payload, Message::ok);
}

void WorkerProcess::write(std::uint64_t address, std::span<const std::uint8_t> data) {
  while (!data.empty()) {
    const auto part = data.first(std::min<std::size_t>(data.size(), kMaxTransfer));
    PayloadWriter payload;
    payload.u64(address).bytes(part);
    ask(Message::write_memory, payload, Message::ok);
    address += part.size();
    data = data.subspan(part.size());
  }
}

std::vector<std::uint8_t> WorkerProcess::read(std::uint64_t address, std::uint64_t bytes) {
  std::vector<std::uint8_t> data;
  while (data.size() < bytes) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes - data.size(), kMaxTransfer);
    PayloadWriter payload;
    payload.u64(address + data.size()).u32(static_cast<std::uint32_t>(part));
    const Frame reply = ask(Message::read_memory, payload, Message::data);
    if (reply.payload.size() != part)
      fail(fmt::format("{} bytes of memory", reply.payload.size()), fmt::format("{}", part));
    data.insert(data.end(), reply.payload.begin(), reply.payload.end());
  }
  return data;
}

void WorkerProcess::inject(std::span<const ErrorResponse> errors) {
  PayloadWriter payload;
  put(payload, errors);
  ask(Message::inject, payload, Message::ok);
}

void WorkerProcess::reset_at(std::uint64_t cycle) {
  PayloadWriter payload;
  payload.u64(cycle);
  ask(Message::reset_at, payload, Message::ok);
}

std::uint64_t WorkerProcess::run(std::span<const Record> descriptors,
                                 const std::function<void(const CompletionReport&)>& completion,
                                 const std::function<void(std::uint64_t)>& progress) {
  PayloadWriter payload;
  payload.u32(static_cast<std::uint32_t>(descriptors.size()));
  for (const Record& descriptor : descriptors) payload.bytes(descriptor);
  send(Message::run, payload);
  const auto take_cycles = [](PayloadReader& reader) { return reader.u64(); };
  for (std::size_t completed = 0;;) {
    const Frame frame = receive();
    if (frame.type == Message::progress) {
      const std::uint64_t cycles = parse(frame, take_cycles);
      if (progress) progress(cycles);
    } else if (frame.type == Message::completion && completed < descriptors.size()) {
      ++completed;
      completion(parse(frame, get_completion));
    } else {
      cut_off_ = frame.type == Message::cut_off;
      expect(frame, cut_off_ ? Message::cut_off : Message::done);
      if (completed < descriptors.size() && !cut_off_)
        fail(fmt::format("the end of a run after {} completions", completed),
             fmt::format("{}", descriptors.size()));
      return parse(frame, take_cycles);
    }
  }
}

}  // namespace bitloom::sim
