// SPDX-License-Identifier: Apache-2.0
// The merging of neighbours that all byte-pair encodings have in common.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <queue>
#include <vector>

#include "sw/tokenizer/token.hpp"

namespace bitloom {

/// What two neighbours become.
struct Joint {
  double priority = 0;
  Token token = 0;
};

/// Merges, as long as there is one, the pair of neighbours whose joint token has the highest
/// priority, the leftmost of several. `joint_of(left, right)` gives a std::optional<Joint>. Takes
/// O(n log n) calls.
template <class JointOf>
std::vector<Token> merge_neighbours(const std::vector<Token>& tokens, const JointOf& joint_of) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  struct Link {  // of a doubly linked list over a vector
    Token token = 0;
    std::size_t previous = 0;
    std::size_t next = 0;
    bool alive = true;
  };
  struct Merge {
    Joint joint;
    std::size_t left = 0;
    std::size_t right = 0;
    Token right_token = 0;  // when it was offered: a neighbour that has grown since is another one
    bool operator<(const Merge& other) const {
      return joint.priority != other.joint.priority ? joint.priority < other.joint.priority
                                                    : left > other.left;
    }
  };
  std::vector<Link> links;
  links.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    links.push_back({tokens[i], i == 0 ? kNone : i - 1, i + 1 < tokens.size() ? i + 1 : kNone});
  std::priority_queue<Merge> merges;
  const auto offer = [&](std::size_t left, std::size_t right) {
    if (left == kNone || right == kNone) return;
    const std::optional<Joint> joint = joint_of(links[left].token, links[right].token);
    if (joint) merges.push({*joint, left, right, links[right].token});
  };
  for (std::size_t i = 1; i < links.size(); ++i) offer(i - 1, i);
  while (!merges.empty()) {
    const Merge merge = merges.top();
    merges.pop();
    Link& left = links[merge.left];
    Link& right = links[merge.right];
    if (!left.alive || left.next != merge.right || right.token != merge.right_token) continue;
    left.token = merge.joint.token;
    left.next = right.next;
    right.alive = false;
    if (left.next != kNone) links[left.next].previous = merge.left;
    offer(left.previous, merge.left);
    offer(merge.left, left.next);
  }
  std::vector<Token> result;
  for (const Link& link : links)
    if (link.alive) result.push_back(link.token);
  return result;
}

}  // namespace bitloom
