// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { Activations } from "../../contracts/interfaces/ILayerVerifier.sol";
import { Layer, ModelHeader } from "../../contracts/interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane } from "../../contracts/interfaces/Types.sol";
import { TokenDigest } from "../../contracts/libraries/TokenDigest.sol";
import { Base } from "./Base.t.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";

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
        ModelHeader memory header = _modelHeader();
        header.tokens = POSITIONS;
        Layer[] memory layers = _layers("weights");
        for (uint256 l = 0; l < layers.length; ++l) {
            (address verifier,,,) = router.entry(layers[l].verifyingKey);
            ScriptedVerifier(verifier).become(uint256(layers[l].kind), Activations(12, POSITIONS, 16));
        }
        version = registry.register(header, layers, _policy(ETH), "");
        uint32[] memory all = new uint32[](POSITIONS - PROMPT);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = uint32(50_000 - i);
        }
        tokens = _pack(all);
        bytes32 digest = this.longDigest(tokens, SALT);
        (demanded, quiet, revealed, wrong) = (_long(digest), _long(digest), _long(digest), _long(bytes32("wrong") >> 8));
        _demand(demanded);
        _demand(revealed);
        _demand(wrong);
        _reveal(revealed, SALT, tokens);
        _reveal(wrong, SALT, tokens);
        signature = _signReveal(demanded, SALT, tokens);
    }

    /// External, for the library takes calldata.
    function longDigest(bytes calldata packed, uint256 salt) external pure returns (bytes32) {
        return TokenDigest.outputDigest(POSITIONS, PROMPT, packed, salt);
    }

    function _long(bytes32 digest) private returns (bytes32 claim) {
        JobRequest memory request = _request(Lane.Optimistic);
        (request.promptTokens, request.newTokens) = (PROMPT, POSITIONS - PROMPT);
        claim = _open(request);
        _lock(claim);
        ClaimHeader memory header = _header(claim);
        header.outputDigest = digest;
        _post(header);
    }

    function _transaction(address from, bytes memory data, string memory what) private returns (uint256 gas) {
        (uint256 plain, uint256 floor) = (21_000, 21_000);
        for (uint256 i = 0; i < data.length; ++i) {
            plain += data[i] == 0 ? 4 : 16;
            floor += data[i] == 0 ? 10 : 40;
        }
        vm.prank(from);
        (bool ok,) = address(dispute).call(data);
        assertTrue(ok, what);
        gas = plain + vm.lastCallGas().gasTotalUsed;
        if (gas < floor) gas = floor;
        vm.snapshotValue("gas", string.concat(what, ", 4,096 positions, transaction"), gas);
    }

    /// The answer is dear because it is long, and not because anything is computed.
    function test_ADemandIsAnsweredByCalldata() public {
        uint256 demand = _transaction(requester, abi.encodeCall(dispute.demandOutput, (quiet)), "demand an output");
        uint256 reveal = _transaction(
            relayer, abi.encodeCall(dispute.revealOutput, (demanded, SALT, tokens, signature)), "reveal an output"
        );
        assertLt(reveal, 600_000);
        assertLt(reveal, 2 * demand);
    }

    /// The digest fits into a transaction, whoever asks for it.
    function test_ADisputeFitsIntoATransaction() public {
        uint256 gas = _transaction(
            requester, abi.encodeCall(dispute.disputeOutput, (wrong, SALT, tokens)), "dispute a wrong output"
        );
        assertLt(gas, TRANSACTION_GAS);
        _assertClaim(wrong, ClaimStatus.Defeated, JobStatus.Slashed);
    }

    function test_AStrangersRevealFitsIntoATransaction() public {
        uint256 gas = _transaction(
            thief,
            abi.encodeCall(dispute.revealOutput, (demanded, SALT, tokens, "")),
            "reveal an output without its provider"
        );
        assertLt(gas, TRANSACTION_GAS);
        assertEq(uint256(dispute.challengeOf(demanded, LAYERS).status), uint256(ChallengeStatus.Answered));
    }
}
