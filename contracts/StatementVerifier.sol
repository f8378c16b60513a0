// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IFinalVerifier } from "./interfaces/IFinalVerifier.sol";
import { Bindings, IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { IStatementVerifier, Session } from "./interfaces/IStatementVerifier.sol";
import { Leaf, Tree } from "./interfaces/Types.sol";
import { LayerSet } from "./libraries/LayerSet.sol";
import { NodeTree } from "./libraries/NodeTree.sol";
import { Statement, StatementParts } from "./libraries/Statement.sol";

/// @title Verification of a whole session, without a job
contract StatementVerifier is IStatementVerifier {
    IModelRegistry public immutable registry;

    constructor(IModelRegistry registry_) {
        registry = registry_;
    }

    /// @inheritdoc IStatementVerifier
    function verifyStatement(Session calldata session, Leaf[] calldata leaves, Tree calldata tree, bytes calldata proof)
        external
        view
        returns (bytes32 statement)
    {
        Bindings memory version = registry.bindings(session.version);
        if (!version.usable) revert VersionUnusable(session.version);
        statement = _statement(session, version.modelId);
        uint256[] memory nodes = NodeTree.room(leaves.length);
        uint256 set = NodeTree.add(nodes, 0, _list(session, statement), leaves, version.programs, version.layers);
        uint256 missing = LayerSet.all(version.layers) & ~set;
        if (missing != 0) revert LayersMissing(missing);
        IFinalVerifier(version.verifier).verify(proof, NodeTree.top(nodes, tree));
    }

    /// @inheritdoc IStatementVerifier
    function statementOf(Session calldata session) external view returns (bytes32) {
        return _statement(session, registry.modelId(session.version));
    }

    function _statement(Session calldata session, bytes32 modelId) private view returns (bytes32) {
        if (!Statement.isReduced(session.inputDigest)) revert DigestNotReduced(session.inputDigest);
        if (!Statement.isReduced(session.outputDigest)) revert DigestNotReduced(session.outputDigest);
        if (session.decoding != Statement.GREEDY) revert DecodingNotGreedy(session.decoding);
        return Statement.digest(
            StatementParts({
                book: address(this),
                job: session.claim,
                recipient: session.recipient,
                modelId: modelId,
                inputDigest: session.inputDigest,
                outputDigest: session.outputDigest,
                promptTokens: session.promptTokens,
                newTokens: session.newTokens,
                decoding: session.decoding
            })
        );
    }

    function _list(Session calldata session, bytes32 statement) private pure returns (uint256[] memory list) {
        uint256 words = session.points.length;
        if (words == 0 || words % 3 != 0) revert BadPoints(words);
        list = NodeTree.sessionRoom();
        list[2] = uint256(statement) >> 128;
        list[3] = uint128(uint256(statement));
        (list[4], list[5]) = (uint256(session.inputDigest), uint256(session.outputDigest));
        (list[6], list[7]) = (session.promptTokens, session.newTokens);
        list[9] = uint256(session.activations);
        (list[10], list[11]) = NodeTree.activations(session.activations, session.points);
    }
}
