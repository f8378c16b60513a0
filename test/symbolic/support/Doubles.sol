// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Job } from "../../../contracts/interfaces/IJobMarket.sol";
import { Bindings, ModelHeader } from "../../../contracts/interfaces/IModelRegistry.sol";
import { Mode } from "../../../contracts/interfaces/Types.sol";

// What the claim book calls, as small as its checks allow. The real contracts have tests of their own; what is relied on here
// is said at each.

/// @notice Records how jobs end.
contract MarketDouble {
    error NotLocked(bytes32 job);

    struct Calls {
        uint256 settled;
        uint256 slashed;
        uint256 refunded;
        address recipient;
        bool challenged;
    }

    uint256 private constant DAY = 1 days;

    address public immutable requester;
    address public immutable provider;
    /// The job that has a claim.
    bytes32 public immutable claimedJob;
    /// Of the challengers, of a stake.
    uint256 public part;
    Calls public total;
    mapping(bytes32 job => Calls) private _calls;

    constructor(address requester_, address provider_, bytes32 claimedJob_) {
        (requester, provider, claimedJob) = (requester_, provider_, claimedJob_);
    }

    function setPart(uint256 part_) external {
        part = part_;
    }

    /// As the market does, refuses a job that has a claim: so no claim is posted twice.
    function claimed(bytes32 id) external view returns (Job memory) {
        if (id == claimedJob) revert NotLocked(id);
        return job(id);
    }

    function settle(bytes32 id, address recipient) external {
        Calls storage calls = _calls[id];
        unchecked {
            ++calls.settled;
            ++total.settled;
        }
        calls.recipient = recipient;
    }

    function slash(bytes32 id, bool challenged) external returns (uint256) {
        Calls storage calls = _calls[id];
        unchecked {
            ++calls.slashed;
            ++total.slashed;
        }
        calls.challenged = challenged;
        return challenged ? part : 0;
    }

    function refund(bytes32 id) external {
        unchecked {
            ++_calls[id].refunded;
            ++total.refunded;
        }
    }

    function callsOf(bytes32 id) external view returns (Calls memory) {
        return _calls[id];
    }

    function job(bytes32) public view returns (Job memory found) {
        (found.requester, found.provider) = (requester, provider);
        (found.mode, found.challengeWindow, found.answerWindow) = (Mode.Optimistic, uint32(DAY), uint32(DAY));
        (found.promptTokens, found.newTokens) = (1, 1);
    }
}

/// @notice A verifier that can be used, or not, and a draw.
contract RegistryDouble {
    address public immutable verifier;
    bool public usable;
    uint256 public drawn;

    constructor(address verifier_) {
        verifier = verifier_;
    }

    function set(bool usable_, uint256 drawn_) external {
        (usable, drawn) = (usable_, drawn_);
    }

    function verifierUsable(address which) external view returns (bool) {
        return which == verifier && usable;
    }

    function draw(bytes32, bytes32, bytes32) external view returns (uint256) {
        return drawn;
    }

    function header(bytes32) external pure returns (ModelHeader memory found) {
        found.tokens = 16;
    }

    function bindings(bytes32) external view returns (Bindings memory found) {
        (found.verifier, found.layers, found.usable) = (verifier, 3, usable);
    }
}

/// @notice Holds without amounts. As in the escrow, none is there twice, and what is not there does not end.
contract EscrowDouble {
    error HoldExists(bytes32 hold);
    error UnknownHold(bytes32 hold);

    mapping(bytes32 hold => bool) public held;
    /// Holds that there are.
    uint256 public live;
    /// Where the last ended went, and how much the last hold was of.
    address public paid;
    uint256 public amount;

    function put(bytes32 hold, bool held_, uint256 live_) external {
        (held[hold], live) = (held_, live_);
    }

    function holdFree(bytes32 hold, address, address, uint256 amount_) external {
        if (held[hold]) revert HoldExists(hold);
        held[hold] = true;
        unchecked {
            ++live;
        }
        amount = amount_;
    }

    function release(bytes32 hold) external {
        _end(hold);
        paid = address(0);
    }

    function pay(bytes32 hold, address account) external {
        _end(hold);
        paid = account;
    }

    function _end(bytes32 hold) private {
        if (!held[hold]) revert UnknownHold(hold);
        held[hold] = false;
        unchecked {
            --live;
        }
    }
}

/// @notice The chain knows one block, or not.
contract BeaconDouble {
    error NotThere();

    uint64 public immutable known;
    bool public ready;

    constructor(uint64 known_) {
        known = known_;
    }

    function set(bool ready_) external {
        ready = ready_;
    }

    function seedOf(bytes calldata, uint64 blockNumber) external view returns (bytes32) {
        if (!ready || blockNumber != known) revert NotThere();
        return bytes32(uint256(1));
    }
}

/// @notice One digest, whatever the tokens are.
contract DigestsDouble {
    bytes32 public digest;

    function set(bytes32 digest_) external {
        digest = digest_;
    }

    function outputDigest(uint256, uint256, bytes calldata, uint256) external view returns (bytes32) {
        return digest;
    }
}

/// @notice Accepts all, or nothing.
contract VerifierDouble {
    error ProofRejected();

    bool public accepts;

    function set(bool accepts_) external {
        accepts = accepts_;
    }

    function verify(bytes calldata, uint256[4] calldata) external view {
        if (!accepts) revert ProofRejected();
    }
}
