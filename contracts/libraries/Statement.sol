// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { LayerKind } from "../interfaces/Types.sol";

/// @title What every proof of a claim is about
/// @notice The statement digest of docs/format.md, and the public inputs that carry it into a proof.
library Statement {
    /// @notice Order of BN254's scalar field: digests and public inputs are below it.
    uint256 internal constant FIELD_ORDER =
        21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617;

    /// @notice A claim is about whole sessions: its first layer is the model's first.
    uint256 internal constant FIRST_LAYER = 0;

    function digest(
        address book,
        bytes32 claim,
        address recipient,
        bytes32 modelId,
        bytes32 inputDigest,
        bytes32 outputDigest,
        uint256 layers
    ) internal view returns (bytes32) {
        return keccak256(
            bytes.concat(
                "nanozk-statement-1",
                abi.encode(
                    block.chainid, book, claim, recipient, modelId, inputDigest, outputDigest, FIRST_LAYER, layers
                )
            )
        );
    }

    /// @notice Digest of a claim with its boundary commitments: what layers are drawn for.
    function claimDigest(bytes32 statement, bytes32[] calldata boundaries) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(statement, boundaries));
    }

    /// @notice Public inputs of a layer's proof: the statement in two halves, then the digests the layer binds.
    function instances(LayerKind kind, bytes32 statement, bytes32 inputDigest, bytes32 outputDigest)
        internal
        pure
        returns (uint256[] memory inputs)
    {
        bool embed = kind == LayerKind.Embed;
        inputs = new uint256[](embed ? 4 : kind == LayerKind.Head ? 3 : 2);
        inputs[0] = uint256(statement) >> 128;
        inputs[1] = uint128(uint256(statement));
        if (embed) {
            inputs[2] = uint256(inputDigest);
            inputs[3] = uint256(outputDigest);
        } else if (kind == LayerKind.Head) {
            inputs[2] = uint256(outputDigest);
        }
    }

    /// @notice Public inputs of an aggregate proof: those of the embedding, which binds both digests.
    function aggregateInstances(bytes32 statement, bytes32 inputDigest, bytes32 outputDigest)
        internal
        pure
        returns (uint256[] memory)
    {
        return instances(LayerKind.Embed, statement, inputDigest, outputDigest);
    }

    function isReduced(bytes32 word) internal pure returns (bool) {
        return uint256(word) < FIELD_ORDER;
    }
}
