// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimHeader } from "../../contracts/interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { IModelRegistry } from "../../contracts/interfaces/IModelRegistry.sol";
import { IStatementVerifier, Session } from "../../contracts/interfaces/IStatementVerifier.sol";
import { Leaf, Tree } from "../../contracts/interfaces/Types.sol";
import { NodeTree } from "../../contracts/libraries/NodeTree.sol";
import { Programs } from "../../contracts/libraries/Programs.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { Base } from "./Base.t.sol";

/// @title Verification of a whole session, without a job
contract StatementVerifierTest is Base {
    uint256 private constant R = Statement.FIELD_ORDER;

    function _session() private view returns (Session memory s) {
        s.version = version;
        s.claim = keccak256("mine");
        s.recipient = recipient;
        (s.inputDigest, s.outputDigest) = (INPUT_DIGEST, _outputDigest(_tokens(), SALT));
        (s.promptTokens, s.newTokens) = (3, 2);
        ClaimHeader memory header = _header(s.claim);
        (s.activations, s.points) = (header.activations, header.points);
    }

    /// The statement of docs/format.md.
    function _statement(Session memory s) private view returns (bytes32) {
        bytes memory words = abi.encode(block.chainid, address(statements), s.claim, s.recipient);
        words = bytes.concat(words, abi.encode(registry.modelId(s.version), s.inputDigest, s.outputDigest));
        words = bytes.concat(words, abi.encode(uint256(s.promptTokens), uint256(s.newTokens), s.decoding));
        return keccak256(bytes.concat("nanozk-statement-3", words));
    }

    function _say(bytes32 tag, bytes32 digest, uint256[] memory words) private pure returns (uint256 r, uint256 c) {
        r = uint256(keccak256(abi.encodePacked(tag, digest, words))) % R;
        for (uint256 i = 0; i < words.length; ++i) {
            c = addmod(mulmod(c, r, R), words[i], R);
        }
    }

    /// The proof that the verifier accepts for a session by the program of all layers.
    function _proof(Session memory s, Leaf memory leaf) private view returns (bytes memory) {
        uint256[] memory words = new uint256[](10);
        bytes32 statement = _statement(s);
        (words[0], words[1]) = (uint256(statement) >> 128, uint256(statement) % 2 ** 128);
        (words[2], words[3]) = (uint256(s.inputDigest), uint256(s.outputDigest));
        (words[4], words[5], words[6]) = (s.promptTokens, s.newTokens, uint256(leaf.program.weights));
        words[7] = uint256(s.activations);
        (words[8], words[9]) = _say("nanozk activations", s.activations, s.points);
        (uint256 r, uint256 c) = _say("nanozk said", leaf.digest, words);
        return verifier.script([uint256(leaf.program.key), uint256(leaf.digest), r, c]);
    }

    function _whole(Session memory s) private pure returns (Leaf[] memory leaves) {
        leaves = new Leaf[](1);
        leaves[0] = _leaf(s.claim, 0, LAYERS);
    }

    function test_Verify_SaysTheStatement() public view {
        Session memory s = _session();
        Leaf[] memory leaves = _whole(s);
        bytes32 statement = _statement(s);
        assertEq(statements.statementOf(s), statement);
        assertEq(statements.verifyStatement(s, leaves, _tree(1), _proof(s, leaves[0])), statement);
    }

    /// Whatever of the session is another, the proof is none.
    function testFuzz_Verify_EveryFieldIsBound(uint256 field, uint256 by) public {
        Session memory s = _session();
        Leaf[] memory leaves = _whole(s);
        bytes memory proof = _proof(s, leaves[0]);
        (field, by) = (bound(field, 0, 9), bound(by, 1, 1 << 30));
        if (field == 0) s.claim = bytes32(uint256(s.claim) ^ by);
        else if (field == 1) s.recipient = thief;
        else if (field == 2) s.inputDigest = bytes32(uint256(s.inputDigest) ^ by);
        else if (field == 3) s.outputDigest = bytes32(uint256(s.outputDigest) ^ by);
        else if (field == 4) s.promptTokens ^= uint32(by);
        else if (field == 5) s.newTokens ^= uint32(by);
        else if (field == 6) s.activations = bytes32(uint256(s.activations) ^ by);
        else if (field == 7) s.points[by % s.points.length] ^= by;
        else if (field == 8) s.version = _register("other weights", ETH);
        else s.points = new uint256[](3 * POINTS + 3);
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        statements.verifyStatement(s, leaves, _tree(1), proof);
    }

    /// Programs do not see the word, so its prover could prove a greedy answer under any: as this proof does, which the
    /// verifier accepts.
    function testFuzz_Verify_RefusesOtherDecodings(bytes32 decoding) public {
        vm.assume(decoding != 0);
        Session memory s = _session();
        s.decoding = decoding;
        Leaf[] memory leaves = _whole(s);
        bytes memory reason = abi.encodeWithSelector(IStatementVerifier.DecodingNotGreedy.selector, decoding);
        bytes memory proof = _proof(s, leaves[0]);
        vm.expectRevert(reason);
        statements.statementOf(s);
        _refuses(s, leaves, proof, reason);
    }

    function test_Verify_NeedsAllLayers() public {
        Session memory s = _session();
        vm.expectRevert(abi.encodeWithSelector(IStatementVerifier.LayersMissing.selector, ALL));
        statements.verifyStatement(s, new Leaf[](0), Tree("", new bytes32[](0)), "");
        for (uint256 l = 0; l < LAYERS; ++l) {
            Leaf[] memory leaves = new Leaf[](1);
            leaves[0] = _leaf(s.claim, l, 1);
            vm.expectRevert(abi.encodeWithSelector(IStatementVerifier.LayersMissing.selector, ALL & ~(1 << l)));
            statements.verifyStatement(s, leaves, _tree(1), "");
        }
    }

    function test_Verify_RefusesMalformedSessions() public {
        Session memory s = _session();
        Leaf[] memory leaves = _whole(s);
        s.inputDigest = bytes32(R);
        _refuses(s, leaves, abi.encodeWithSelector(IStatementVerifier.DigestNotReduced.selector, bytes32(R)));
        s = _session();
        s.outputDigest = bytes32(R);
        _refuses(s, leaves, abi.encodeWithSelector(IStatementVerifier.DigestNotReduced.selector, bytes32(R)));
        s = _session();
        s.activations = bytes32(R);
        _refuses(s, leaves, abi.encodeWithSelector(NodeTree.WordNotReduced.selector, 0));
        s = _session();
        s.points[5] = R;
        _refuses(s, leaves, abi.encodeWithSelector(NodeTree.WordNotReduced.selector, 6));
        for (uint256 words = 0; words < 6; ++words) {
            if (words == 3) continue;
            s.points = new uint256[](words);
            _refuses(s, leaves, abi.encodeWithSelector(IStatementVerifier.BadPoints.selector, words));
        }
        s = _session();
        leaves[0].program.count = 3;
        bytes32 leaf = _programLeaf(leaves[0].program);
        bytes memory reason = abi.encodeWithSelector(Programs.NotAProgramOfTheModel.selector, _programsRoot(), leaf);
        _refuses(s, leaves, reason);
    }

    function test_Verify_NeedsAUsableVersion() public {
        Session memory s = _session();
        Leaf[] memory leaves = _whole(s);
        s.version = "none";
        _refuses(s, leaves, abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, bytes32("none")));
        s.version = version;
        _freeze();
        _refuses(s, leaves, abi.encodeWithSelector(IStatementVerifier.VersionUnusable.selector, version));
    }

    /// A proof of a claim is about another statement: the claim book's.
    function test_Verify_NoProofOfAClaim() public {
        bytes32 id = _claimedAtOnce();
        Session memory s = _session();
        ClaimHeader memory header = _header(_job(id));
        s.claim = _job(id);
        (s.activations, s.points) = (header.activations, header.points);
        bytes memory proof = _final(_one(_proofOf(id, ALL)), _tree(1));
        Leaf[] memory leaves = new Leaf[](1);
        leaves[0] = _leaf(id, 0, LAYERS);
        _refuses(s, leaves, proof, abi.encodeWithSelector(IFinalVerifier.ProofRejected.selector));
        assertNotEq(statements.statementOf(s), _claim(id).statement);
    }

    function _refuses(Session memory s, Leaf[] memory leaves, bytes memory reason) private {
        _refuses(s, leaves, "", reason);
    }

    function _refuses(Session memory s, Leaf[] memory leaves, bytes memory proof, bytes memory reason) private {
        vm.expectRevert(reason);
        statements.verifyStatement(s, leaves, _tree(1), proof);
    }
}
