// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What a statement says, in its order, but for the chain.
struct StatementParts {
    /// The claim book, or whoever else asks for proofs.
    address book;
    bytes32 job;
    address recipient;
    bytes32 modelId;
    bytes32 inputDigest;
    bytes32 outputDigest;
    uint256 promptTokens;
    uint256 newTokens;
    bytes32 decoding;
}

/// @title What every proof of a claim is about
/// @notice The statement digest of docs/format.md.
library Statement {
    /// @notice Order of BN254's scalar field: digests and public inputs are below it.
    uint256 internal constant FIELD_ORDER =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;

    /// @notice How tokens are chosen, as a word: greedily.
    /// @dev A program proves greedy decoding and does not see this word, only the statement's digest. So its proofs are
    /// valid for statements with any word, and whoever takes a statement must refuse the others.
    bytes32 internal constant GREEDY = 0;

    function digest(StatementParts memory parts) internal view returns (bytes32) {
        return keccak256(bytes.concat("nanozk-statement-3", abi.encode(block.chainid, parts)));
    }

    function isReduced(bytes32 word) internal pure returns (bool) {
        return uint256(word) < FIELD_ORDER;
    }
}
