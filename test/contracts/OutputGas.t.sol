// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { ModelHeader } from "../../contracts/interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Mode, OUTPUT } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

/// @title What a demand of the longest output costs either side
/// @notice All that is made in `setUp`, so that a test's gas is that of a transaction of its own; what a transaction
/// costs besides its execution is added (EIP-2028, EIP-7623).
contract OutputGasTest is Base {
    uint32 internal constant POSITIONS = 4_096;
    uint32 internal constant PROMPT = 8;
    /// Gas of a transaction (EIP-7825).
    uint256 internal constant TRANSACTION_GAS = 16_777_216;

    bytes internal tokens;
    bytes internal signature;
    bytes32 internal demanded;
    bytes32 internal quiet;
    bytes32 internal revealed;
    bytes32 internal wrong;

    function setUp() public override {
        super.setUp();
        ModelHeader memory header = _modelHeader("long");
        header.tokens = POSITIONS;
        version = registry.register(header, _layers(), _policy(ETH), address(verifier), "");
        uint32[] memory all = new uint32[](POSITIONS - PROMPT);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = uint32(50_000 - i);
        }
        tokens = _pack(all);
        bytes32 digest = digests.outputDigest(POSITIONS, PROMPT, tokens, SALT);
        (demanded, quiet, revealed, wrong) = (_long(digest), _long(digest), _long(digest), _long(bytes32("wrong") >> 8));
        _demand(demanded);
        _demand(revealed);
        _demand(wrong);
        _reveal(revealed, SALT, tokens);
        _reveal(wrong, SALT, tokens);
        signature = _signReveal(demanded, SALT, tokens);
    }

    function _long(bytes32 digest) private returns (bytes32) {
        JobRequest memory request = _request(Mode.Optimistic);
        (request.promptTokens, request.newTokens) = (PROMPT, POSITIONS - PROMPT);
        bytes32 job = _open(request);
        _lock(job);
        ClaimHeader memory header = _header(job);
        header.outputDigest = digest;
        return _post(header);
    }

    function _transaction(address from, bytes memory data, string memory what) private returns (uint256 gas) {
        uint256 floor;
        (gas, floor) = _gasOf(from, data, what);
        if (gas < floor) gas = floor;
        vm.snapshotValue("gas", string.concat(what, ", 4,096 positions, transaction"), gas);
    }

    /// The answer is dear because it is long, and not because anything is computed.
    function test_ADemandIsAnsweredByCalldata() public {
        uint256 demand = _transaction(requester, abi.encodeCall(book.demand, (_claim(quiet))), "demand an output");
        uint256 reveal = _transaction(
            relayer, abi.encodeCall(book.reveal, (_claim(demanded), SALT, tokens, signature)), "reveal an output"
        );
        assertLt(reveal, 420_000);
        assertLt(reveal, 7 * demand);
    }

    /// The digest fits into a transaction, whoever asks for it.
    function test_ADisputeFitsIntoATransaction() public {
        uint256 gas = _transaction(
            requester, abi.encodeCall(book.dispute, (_claim(wrong), SALT, tokens)), "dispute a wrong output"
        );
        assertLt(gas, TRANSACTION_GAS);
        _assertClaim(wrong, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_AStrangersRevealFitsIntoATransaction() public {
        uint256 gas = _transaction(
            thief,
            abi.encodeCall(book.reveal, (_claim(demanded), SALT, tokens, "")),
            "reveal an output without its provider"
        );
        assertLt(gas, TRANSACTION_GAS);
        assertEq(uint256(book.challengeOf(demanded, OUTPUT).status), uint256(ChallengeStatus.Answered));
    }
}
