// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, Epoch, FixedDraws, Openings } from "../../contracts/interfaces/EpochTypes.sol";
import { EpochStatus, IEpochBook, Payment, Voucher } from "../../contracts/interfaces/IEpochBook.sol";
import { Placed } from "../../contracts/interfaces/IEpochDisputes.sol";
import { Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { Leaf, Program, Tree } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";
import { EpochTrees } from "./support/EpochTrees.sol";
import { Headers } from "./support/Headers.sol";
import { NodeTrees } from "./support/NodeTrees.sol";
import { Vm } from "forge-std/Test.sol";

/// @title Epochs of a model of twelve layers, with cheap answers
/// @notice Answers, activations and proofs follow from the epoch's number and the index. What is computed of them is
/// spelled out, not taken from the contracts' libraries.
abstract contract EpochBase is Base {
    uint256 internal constant EPOCH_LAYERS = 12;
    uint256 internal constant EPOCH_ALL = (1 << EPOCH_LAYERS) - 1;
    /// A program of all layers, then one of each.
    uint256 internal constant EPOCH_PROGRAMS = EPOCH_LAYERS + 1;
    uint128 internal constant ANSWER_PRICE = 1e12;
    uint128 internal constant ANSWER_BOND = 2e13;
    uint256 internal constant LEAST_WEIGHT = 45_000;
    uint256 internal constant TOTAL_WEIGHT = 45_000 + 11 * 90_000;
    uint128 internal constant PREPAID = 1 ether;
    uint88 internal constant LINE_BOND = 10 ether;

    /// An epoch as it is built, and what the provider has of it.
    struct Built {
        Epoch epoch;
        bytes32[] statements;
        bytes32[] receipts;
        FixedDraws fixed_;
        uint256[] drawn;
        bytes32 layerSeed;
    }

    NodeTrees internal trees;
    bytes32 internal served;
    address internal page;

    function setUp() public virtual override {
        super.setUp();
        trees = new NodeTrees();
        served = _registerServed(ETH);
        page = _enroll(served);
        _fund(requester, 10 ether, 0);
        _fund(provider, 100 ether, 0);
        _fund(challenger, 10 ether, 0);
        vm.prank(provider);
        epochs.bond(served, LINE_BOND);
        vm.prank(requester);
        epochs.fund(provider, served, PREPAID);
    }

    // ---------------------------------------------------------------- version

    function _epochProgram(uint256 place) internal pure returns (Program memory) {
        (uint256 first, uint256 count) = (place == 0 ? 0 : place - 1, place == 0 ? EPOCH_LAYERS : 1);
        bytes32 key = _scalar(abi.encode("epoch key", first, count));
        return Program(uint16(first), uint16(count), key, _scalar(abi.encode("epoch weights", first, count)));
    }

    /// A tree in which each program is beside all before it.
    function _epochRoot(uint256 programs) internal pure returns (bytes32 root) {
        root = _programLeaf(_epochProgram(0));
        for (uint256 i = 1; i < programs; ++i) {
            root = _parent(root, _programLeaf(_epochProgram(i)));
        }
    }

    function _epochPath(uint256 place) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](EPOCH_PROGRAMS - (place == 0 ? 1 : place));
        uint256 n = 0;
        if (place != 0) path[n++] = _epochRoot(place);
        for (uint256 i = place + 1; i < EPOCH_PROGRAMS; ++i) {
            path[n++] = _programLeaf(_epochProgram(i));
        }
    }

    function _registerServed(address asset) internal returns (bytes32) {
        ModelHeader memory header = _modelHeader("served");
        header.layers = uint16(EPOCH_LAYERS);
        header.tokens = 4096;
        header.programs = _epochRoot(EPOCH_PROGRAMS);
        Layer[] memory layers = new Layer[](EPOCH_LAYERS);
        for (uint256 i = 0; i < EPOCH_LAYERS; ++i) {
            layers[i] = Layer(i == 5 ? 45_000 : 90_000, ANSWER_BOND / 2);
        }
        Policy memory policy = Policy(asset, ANSWER_PRICE, ANSWER_PRICE, STAKE, ANSWER_BOND, 1);
        return registry.register(header, layers, policy, address(verifier), "ipfs://served");
    }

    function _programs() internal pure returns (Program[] memory programs, bytes32[][] memory paths) {
        programs = new Program[](EPOCH_PROGRAMS);
        paths = new bytes32[][](EPOCH_PROGRAMS);
        for (uint256 i = 0; i < EPOCH_PROGRAMS; ++i) {
            (programs[i], paths[i]) = (_epochProgram(i), _epochPath(i));
        }
    }

    function _enroll(bytes32 version_) internal returns (address) {
        (Program[] memory programs, bytes32[][] memory paths) = _programs();
        return epochs.enroll(version_, programs, paths);
    }

    // ---------------------------------------------------------------- answers

    function _digestOf(string memory what, uint256 number, uint256 index) internal pure returns (bytes32) {
        return _scalar(abi.encode(what, number, index));
    }

    function _promptTokens(uint256 index) internal pure returns (uint32) {
        return uint32(17 + index % 300);
    }

    function _newTokens(uint256 index) internal pure returns (uint32) {
        return uint32(1 + index % 700);
    }

    function _statementAt(address provider_, bytes32 version_, uint256 number, uint256 index)
        internal
        view
        returns (bytes32 statement)
    {
        uint256 memoryAt;
        assembly {
            memoryAt := mload(0x40)
        }
        bytes32 job = keccak256(abi.encode(bytes32("nanozk epoch answer 1"), provider_, version_, number, index));
        bytes memory body = abi.encode(
            block.chainid,
            address(epochs),
            job,
            provider_,
            registry.modelId(version_),
            _digestOf("input", number, index),
            _digestOf("output", number, index),
            uint256(_promptTokens(index)),
            uint256(_newTokens(index)),
            bytes32(0)
        );
        statement = keccak256(bytes.concat("nanozk-statement-3", body));
        // Nothing of this is used any more: there may be a hundred thousand.
        assembly {
            mstore(0x40, memoryAt)
        }
    }

    function _receiptAt(uint256 number, uint256 index) internal view returns (AnswerReceipt memory) {
        return AnswerReceipt({
            provider: provider,
            version: served,
            epoch: uint32(number),
            index: uint32(index),
            requester: requester,
            inputDigest: _digestOf("input", number, index),
            outputDigest: _digestOf("output", number, index),
            promptTokens: _promptTokens(index),
            newTokens: _newTokens(index),
            decoding: 0,
            seedDigest: keccak256(abi.encode("seed", number, index))
        });
    }

    function _placedAt(Built memory built, uint256 index) internal pure returns (Placed memory) {
        uint256 number = uint32(built.epoch.terms);
        return Placed({
            index: index,
            inputDigest: _digestOf("input", number, index),
            outputDigest: _digestOf("output", number, index),
            promptTokens: _promptTokens(index),
            newTokens: _newTokens(index),
            siblings: EpochTrees.path(built.statements, index)
        });
    }

    /// An epoch's trees, and what is to be committed.
    function _build(uint256 number, uint256 count, uint256 draws) internal view returns (Built memory built) {
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = _statementAt(provider, served, number, i);
        }
        built.statements = EpochTrees.build(leaves);
        for (uint256 i = 0; i < count; ++i) {
            // Of large epochs nobody shows a receipt.
            leaves[i] = count > 2_000 ? bytes32(i) : epochDisputes.receiptDigest(_receiptAt(number, i));
        }
        built.receipts = EpochTrees.build(leaves);
        built.epoch = Epoch({
            provider: provider,
            version: served,
            page: page,
            statements: built.statements[1],
            receipts: built.receipts[1],
            terms: number | count << 32 | draws << 64
        });
    }

    // ---------------------------------------------------------------- life

    function _commit(Built memory built) internal returns (bytes32 id) {
        vm.recordLogs();
        vm.prank(provider);
        id = epochs.commit(built.epoch, "");
        _readCommitted(built);
    }

    function _readCommitted(Built memory built) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEpochBook.EpochCommitted.selector) {
                built.epoch = abi.decode(logs[i].data, (Epoch));
            }
        }
    }

    function _idOf(Built memory built) internal pure returns (bytes32) {
        return keccak256(abi.encode(built.epoch));
    }

    function _countOf(Built memory built) internal pure returns (uint256) {
        return uint32(built.epoch.terms >> 32);
    }

    function _drawsOf(Built memory built) internal pure returns (uint256) {
        return uint16(built.epoch.terms >> 64);
    }

    function _committedAt(Built memory built) internal pure returns (uint256) {
        return uint40(built.epoch.terms >> 80);
    }

    function _drawBlock(Built memory built) internal pure returns (uint64) {
        return uint48(built.epoch.terms >> 120);
    }

    function _exposure(Built memory built) internal pure returns (uint256) {
        return built.epoch.terms >> 168;
    }

    /// Makes a block with this RANDAO, and goes to the one after it.
    function _block(uint64 number, bytes32 seed) internal returns (bytes memory header) {
        header = Headers.encodeFull(number, seed);
        if (block.number <= number) {
            vm.roll(number + 1);
            vm.warp(block.timestamp + 12 * (BEACON_DELAY + 1));
        }
        vm.setBlockhash(number, keccak256(header));
    }

    /// The definition, over a list instead of a set.
    function _drawnOf(bytes32 seed, bytes32 id, uint256 count, uint256 draws)
        internal
        pure
        returns (uint256[] memory drawn)
    {
        drawn = new uint256[](draws);
        bytes32 inner = keccak256(abi.encode(bytes32("nanozk epoch draw 1"), seed, id));
        for (uint256 i = 0; i < draws; ++i) {
            uint256 last = count - draws + i;
            uint256 x = uint256(keccak256(abi.encode(inner, i))) % (last + 1);
            for (uint256 j = 0; j < i; ++j) {
                if (drawn[j] == x) {
                    x = last;
                    break;
                }
            }
            drawn[i] = x;
        }
        // By rising index.
        for (uint256 i = 1; i < draws; ++i) {
            for (uint256 j = i; j != 0 && drawn[j - 1] > drawn[j]; --j) {
                (drawn[j - 1], drawn[j]) = (drawn[j], drawn[j - 1]);
            }
        }
    }

    function _layerWeight(uint256 layer) internal pure returns (uint256) {
        return layer == 5 ? 45_000 : 90_000;
    }

    function _layerOf(bytes32 seed, bytes32 statement) internal pure returns (uint256 layer) {
        uint256 x = uint256(keccak256(abi.encodePacked("nanozk-audit-1", seed, statement, uint256(0)))) % TOTAL_WEIGHT;
        while (x >= _layerWeight(layer)) x -= _layerWeight(layer++);
    }

    function _activationsAt(uint256 number, uint256 index) internal pure returns (bytes32) {
        return _digestOf("activations", number, index);
    }

    /// The last word of the last point: 126 bits.
    function _lastWord(uint256 number, uint256 index) internal pure returns (uint128) {
        return uint128(uint256(_digestOf("last word", number, index)) >> 128);
    }

    function _commitmentsOf(Built memory built) internal pure returns (bytes32) {
        bytes32[] memory digests = new bytes32[](built.drawn.length);
        for (uint256 i = 0; i < digests.length; ++i) {
            digests[i] = _activationsAt(uint32(built.epoch.terms), built.drawn[i]);
        }
        return keccak256(abi.encodePacked(digests));
    }

    function _fix(Built memory built) internal {
        bytes32 seed = keccak256(abi.encode("answers", built.epoch.terms));
        bytes memory header = _block(_drawBlock(built), seed);
        built.drawn = _drawnOf(seed, _idOf(built), _countOf(built), _drawsOf(built));
        vm.recordLogs();
        vm.prank(provider);
        epochs.fixCommitments(built.epoch, header, _commitmentsOf(built), "");
        _readFixed(built);
    }

    function _readFixed(Built memory built) internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IEpochBook.EpochFixed.selector) {
                built.fixed_ = abi.decode(logs[i].data, (FixedDraws));
            }
        }
    }

    function _nodeDigest(uint256 number, uint256 index, uint256 place) internal pure returns (bytes32) {
        return _scalar(abi.encode("node digest", number, index, place));
    }

    function _record(uint256 number, uint256 index, uint256 place) internal pure returns (bytes memory) {
        bytes memory start = abi.encodePacked(
            uint24(index),
            uint8(place),
            uint16(_promptTokens(index)),
            uint16(_newTokens(index)),
            _lastWord(number, index)
        );
        return abi.encodePacked(
            start,
            _digestOf("input", number, index),
            _digestOf("output", number, index),
            _activationsAt(number, index),
            _nodeDigest(number, index, place)
        );
    }

    /// The words of the list that the node of a session says, but for weights.
    function _list(bytes32 statement, uint256 number, uint256 index, bytes32 digest, uint256 point, uint256 fingerprint)
        internal
        pure
        returns (uint256[10] memory list)
    {
        list[0] = uint256(statement) >> 128;
        list[1] = uint128(uint256(statement));
        list[2] = uint256(_digestOf("input", number, index));
        list[3] = uint256(_digestOf("output", number, index));
        (list[4], list[5]) = (_promptTokens(index), _newTokens(index));
        (list[7], list[8], list[9]) = (uint256(digest), point, fingerprint);
    }

    /// What opens the draws, of the layers that `built.layerSeed` draws, each by its program; and the proof.
    function _opened(Built memory built, bytes memory header)
        internal
        view
        returns (Openings memory openings, bytes memory proof)
    {
        uint256 draws = built.drawn.length;
        uint256 number = uint32(built.epoch.terms);
        uint256 size = built.statements.length / 2;
        bytes[] memory records = new bytes[](draws);
        uint256[10][] memory lists = new uint256[10][](draws);
        Leaf[][] memory leaves = new Leaf[][](draws);
        for (uint256 i = 0; i < draws; ++i) {
            uint256 index = built.drawn[i];
            bytes32 statement = built.statements[size + index];
            uint256 place = _layerOf(built.layerSeed, statement) + 1;
            records[i] = _record(number, index, place);
            lists[i] = _list(statement, number, index, _activationsAt(number, index), 0, _lastWord(number, index));
            leaves[i] = new Leaf[](1);
            leaves[i][0] = Leaf(_epochProgram(place), _nodeDigest(number, index, place), _epochPath(place));
        }
        Tree memory tree;
        (tree, openings.digests) = _byThrees(draws);
        proof = verifier.script(trees.top(lists, leaves, _epochRoot(EPOCH_PROGRAMS), EPOCH_LAYERS, tree));
        openings.seed = built.fixed_.seed;
        (openings.fixedAt, openings.drawBlock) = (built.fixed_.fixedAt, built.fixed_.drawBlock);
        openings.header = header;
        openings.records = _concat(records);
        openings.siblings = EpochTrees.siblings(built.statements, built.drawn);
    }

    /// The tree by threes, level by level.
    /// @return tree As claims have it, in postfix order.
    /// @return digests In the order in which its nodes are made: level by level.
    function _byThrees(uint256 leaves) internal pure returns (Tree memory tree, bytes32[] memory digests) {
        bytes[] memory shapes = new bytes[](leaves);
        // Numbers of the nodes over nodes below, in postfix order.
        bytes[] memory orders = new bytes[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            shapes[i] = hex"00";
        }
        uint256 made = 0;
        for (uint256 count = leaves; count > 1;) {
            uint256 above = 0;
            for (uint256 i = 0; i < count; ++above) {
                // What is left over goes up alone, unless it is all that there is.
                uint256 n = count - i >= 3 ? 3 : i == 0 ? count : 1;
                bytes memory shape = shapes[i];
                bytes memory order = orders[i];
                for (uint256 j = 1; j < n; ++j) {
                    shape = bytes.concat(shape, shapes[i + j]);
                    order = bytes.concat(order, orders[i + j]);
                }
                shapes[above] = n == 1 ? shape : bytes.concat(shape, bytes1(uint8(n)));
                orders[above] = n == 1 ? order : bytes.concat(order, bytes1(uint8(made++)));
                i += n;
            }
            count = above;
        }
        digests = new bytes32[](made);
        tree.digests = new bytes32[](made);
        for (uint256 i = 0; i < made; ++i) {
            digests[i] = _scalar(abi.encode("node over nodes", leaves, i));
        }
        for (uint256 i = 0; i < made; ++i) {
            tree.digests[i] = digests[uint8(orders[0][i])];
        }
        tree.shape = shapes[0];
    }

    function _concat(bytes[] memory parts) internal pure returns (bytes memory all) {
        uint256 length = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            length += parts[i].length;
        }
        all = new bytes(length);
        uint256 to = 0;
        for (uint256 i = 0; i < parts.length; ++i) {
            bytes memory part = parts[i];
            assembly {
                mcopy(add(add(all, 0x20), to), add(part, 0x20), mload(part))
            }
            to += part.length;
        }
    }

    /// Makes the block that layers are drawn from.
    function _layerBlock(Built memory built) internal returns (bytes memory header) {
        built.layerSeed = keccak256(abi.encode("layers", built.epoch.terms));
        header = _block(built.fixed_.drawBlock, built.layerSeed);
    }

    function _proveEpoch(Built memory built) internal {
        bytes memory header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        vm.prank(relayer);
        epochs.prove(built.epoch, openings, proof, new Payment[](0));
    }

    function _committed(uint256 number, uint256 count, uint256 draws) internal returns (Built memory built) {
        built = _build(number, count, draws);
        _commit(built);
    }

    function _fixed(uint256 number, uint256 count, uint256 draws) internal returns (Built memory built) {
        built = _committed(number, count, draws);
        _fix(built);
    }

    function _proven(uint256 number, uint256 count, uint256 draws) internal returns (Built memory built) {
        built = _fixed(number, count, draws);
        _proveEpoch(built);
    }

    function _settled(uint256 number, uint256 count, uint256 draws) internal returns (Built memory built) {
        built = _proven(number, count, draws);
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        epochs.settle(built.epoch);
    }

    // ---------------------------------------------------------------- vouchers

    function _voucher(uint24 number, uint32 answers) internal view returns (Voucher memory) {
        return Voucher(requester, provider, served, 0, number, uint88(answers * ANSWER_PRICE), answers);
    }

    function _signVoucher(Voucher memory voucher) internal view returns (bytes memory) {
        return _sign(requesterKey, epochs.voucherDigest(voucher));
    }

    function _paymentOf(Voucher memory voucher) internal view returns (Payment[] memory payments) {
        payments = new Payment[](1);
        payments[0] = Payment(voucher, _signVoucher(voucher));
    }

    function _redeem(Voucher memory voucher) internal {
        Payment[] memory payments = _paymentOf(voucher);
        vm.prank(relayer);
        epochs.redeem(payments);
    }

    function _signReceipt(AnswerReceipt memory receipt) internal view returns (bytes memory) {
        return _sign(providerKey, epochDisputes.receiptDigest(receipt));
    }

    function _assertStatus(Built memory built, EpochStatus status) internal view {
        assertEq(uint256(epochs.statusOf(_idOf(built))), uint256(status), "status of the epoch");
    }
}
