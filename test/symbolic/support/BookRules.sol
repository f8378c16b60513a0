// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { BookScene } from "./BookScene.sol";
import { Fact, fact, implies, when } from "./Fact.sol";

/// When each call is made, and which ends it makes, as docs/onchain.md says it. That the book does the same is checked call
/// by call; what follows from the rules together, of the rules.
abstract contract BookRules is BookScene {
    function mayFinalize(Scene memory x) internal pure returns (Fact) {
        Fact due = fact(openSet(x.s) == 0) & fact(missing(x, x.s) == 0);
        due = due & implies(fact(x.mode == AUDITED), ~fact(x.s.drawn == 0));
        Fact silence = due & ~fact(x.mode == PROOFS) & fact(x.time > x.challengeBy);
        silence = silence & implies(fact(x.s.output == REVEALED), fact(x.time > x.s.outputBy));
        Fact all = ~fact(x.s.allProven == 0);
        return posted(x) & x.usable & ~fact(x.s.output == OPEN) & ((all & outputClosed(x)) | (~all & silence));
    }

    function mayExpire(Scene memory x) internal pure returns (Fact) {
        Fact late = ~fact(missing(x, x.s) == 0) & fact(x.time > x.provenBy);
        return posted(x) & x.usable & late & fact(openSet(x.s) == 0) & ~fact(x.s.output == OPEN);
    }

    function mayVoid(Scene memory x) internal pure returns (Fact) {
        return posted(x) & ~x.usable;
    }

    function mayDraw(Scene memory x, bool ready) internal pure returns (Fact) {
        return posted(x) & fact(x.mode == AUDITED) & fact(x.s.drawn == 0) & fact(ready);
    }

    /// @param held The caller challenges this already.
    function mayChallenge(Scene memory x, uint256 target, bytes32 seed, bool held) internal pure returns (Fact ok) {
        ok = posted(x) & ~fact(x.mode == PROOFS) & fact(x.time <= x.challengeBy) & ~fact(held);
        ok = ok & (fact(target < LAYERS) | fact(target == WHOLE_TARGET)) & (fact(seed == 0) | fact(seed == SEED));
        uint256 by = answerByOf(x, target);
        ok = ok & ~has(provenSet(x.s), target) & (fact(by == 0) | fact(x.time <= by));
    }

    function mayDemand(Scene memory x) internal pure returns (Fact) {
        return posted(x) & fact(x.sender == REQUESTER) & fact(x.time <= x.challengeBy) & fact(x.s.output == NONE);
    }

    /// @param right The tokens' digest is the claimed one.
    function mayReveal(Scene memory x, bool right) internal pure returns (Fact) {
        Fact believed = fact(x.sender == PROVIDER) | (fact(right) & implies(~fact(x.s.allProven == 0), x.usable));
        return posted(x) & fact(x.s.output == OPEN) & fact(x.time <= x.s.outputBy) & believed;
    }

    /// @param these What was revealed is disputed, not something else.
    function mayDispute(Scene memory x, bool these, bool right) internal pure returns (Fact) {
        Fact wrong = fact(these) & ~fact(right) & x.usable;
        Fact inTime = fact(x.s.output == REVEALED) & fact(x.time <= x.s.outputBy);
        return posted(x) & fact(x.sender == REQUESTER) & inTime & wrong;
    }

    function mayAccept(Scene memory x) internal pure returns (Fact) {
        Fact settles = implies(~fact(x.s.allProven == 0), x.usable);
        return posted(x) & fact(x.sender == REQUESTER) & ~fact(x.s.output == ANSWERED) & settles;
    }

    function mayTimeout(Scene memory x, uint256 target) internal pure returns (Fact) {
        Fact output = fact(target == OUTPUT_TARGET) & fact(x.s.output == OPEN) & fact(x.time > x.s.outputBy);
        Fact layer = has(openSet(x.s), target) & fact(x.time > answerByOf(x, target));
        return posted(x) & x.usable & (output | layer);
    }

    /// @param held The challenger's bond for this is.
    function mayResolve(Scene memory x, uint256 target, address challenger, bool held) internal pure returns (Fact) {
        Fact output = fact(target == OUTPUT_TARGET) & fact(x.s.output == TIMED_OUT) & fact(x.s.outputResolved == 0);
        return ~posted(x) & ((output & fact(challenger == REQUESTER)) | fact(held));
    }

    function mayProve(Scene memory x, uint256 set, bool accepts) internal pure returns (Fact) {
        uint256 closed = when(provesAll(x, set), type(uint256).max) | set;
        Fact none = fact(overdue(x) & closed == 0);
        return posted(x) & x.usable & fact(accepts) & fact(x.time <= x.provenBy) & none;
    }

    function provesAll(Scene memory x, uint256 set) internal pure returns (Fact) {
        return ~fact(x.s.allProven == 0) | fact((x.s.proven | set) & ALL == ALL);
    }

    // ---------------------------------------------------------------- ends

    function maySettle(Scene memory x, uint256 set, bool accepts, bool right) internal pure returns (Fact) {
        Fact proof = mayProve(x, set, accepts) & provesAll(x, set) & outputClosed(x);
        Fact shown = mayReveal(x, right) & ~fact(x.sender == PROVIDER) & ~fact(x.s.allProven == 0);
        return mayFinalize(x) | proof | shown;
    }

    function maySlash(Scene memory x, uint256 target, bool these, bool right) internal pure returns (Fact) {
        return mayTimeout(x, target) | mayExpire(x) | mayDispute(x, these, right);
    }

    // ---------------------------------------------------------------- parts

    function posted(Scene memory x) internal pure returns (Fact) {
        return fact(x.s.status == POSTED);
    }

    function has(uint256 set, uint256 target) internal pure returns (Fact) {
        return ~fact((set >> target) & 1 == 0);
    }

    function answerByOf(Scene memory x, uint256 target) internal pure returns (uint256 by) {
        for (uint256 i = 0; i < 4; ++i) {
            by |= when(isAt(target, i), x.s.answerBy[i]);
        }
    }

    function holdersOf(Scene memory x, uint256 target) internal pure returns (uint256 n) {
        for (uint256 i = 0; i < 4; ++i) {
            n |= when(isAt(target, i), x.s.holders[i]);
        }
    }

    function isAt(uint256 target, uint256 i) private pure returns (Fact) {
        return fact(target == (i == 3 ? WHOLE_TARGET : i));
    }
}
