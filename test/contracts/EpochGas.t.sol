// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Openings } from "../../contracts/interfaces/EpochTypes.sol";
import { EpochStatus, Payment } from "../../contracts/interfaces/IEpochBook.sol";
import { EpochBase } from "./EpochBase.t.sol";

/// @title What an epoch of 64 draws costs: all of its transactions
/// @notice Storage is cold in each: calls are isolated.
/// forge-config: default.isolate = true
contract EpochGasTest is EpochBase {
    uint256 private constant DRAWS = 64;

    uint256 private sum;
    uint256 private sumOfFloors;

    function _sent(address from, bytes memory data, string memory what, string memory count) private {
        uint256 floor = 21_000;
        (uint256 zeros, uint256 others) = (0, 0);
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] == 0) ++zeros;
            else ++others;
        }
        floor += 10 * zeros + 40 * others;
        vm.prank(from);
        (bool ok,) = address(epochs).call(data);
        assertTrue(ok, what);
        // With what a transaction and its calldata cost, less what is refunded.
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        uint256 paid = gas < floor ? floor : gas;
        sum += paid;
        sumOfFloors += floor;
        string memory name = string.concat("epoch of ", count, ": ", what);
        emit log_named_uint(string.concat(name, ", zero bytes"), zeros);
        emit log_named_uint(string.concat(name, ", other bytes"), others);
        emit log_named_uint(string.concat(name, ", floor"), floor);
        emit log_named_uint(string.concat(name, ", gas"), gas);
        vm.snapshotValue("gas", string.concat(name, ", transaction"), paid);
    }

    function _epoch(uint256 count, string memory name) private {
        // One epoch was before: accounts are not empty.
        Built memory built = _settled(0, 100, DRAWS);
        _redeem(_voucher(0, 100));
        built = _build(1, count, DRAWS);
        vm.recordLogs();
        _sent(provider, abi.encodeCall(epochs.commit, (built.epoch, "")), "commit", name);
        _readCommitted(built);

        bytes32 seed = keccak256("seed");
        bytes memory header = _block(_drawBlock(built), seed);
        built.drawn = _drawnOf(seed, _idOf(built), count, DRAWS);
        vm.recordLogs();
        _sent(
            provider,
            abi.encodeCall(epochs.fixCommitments, (built.epoch, header, _commitmentsOf(built), "")),
            "fix commitments",
            name
        );
        _readFixed(built);

        header = _layerBlock(built);
        (Openings memory openings, bytes memory proof) = _opened(built, header);
        // The proof takes longer than the window for challenges.
        _after(_committedAt(built) + EPOCH_CHALLENGE);
        Payment[] memory payments = _paymentOf(_voucher(1, uint32(count)));
        // The same in two transactions, which is undone.
        uint256 state = vm.snapshotState();
        (uint256 sum_, uint256 floors_) = (sum, sumOfFloors);
        _sent(provider, abi.encodeCall(epochs.prove, (built.epoch, openings, proof, new Payment[](0))), "prove", name);
        _sent(provider, abi.encodeCall(epochs.redeem, (payments)), "redeem", name);
        vm.snapshotValue("gas", string.concat("epoch of ", name, ": all, redeemed by a transaction of its own"), sum);
        vm.revertToState(state);
        (sum, sumOfFloors) = (sum_, floors_);
        _sent(
            provider, abi.encodeCall(epochs.prove, (built.epoch, openings, proof, payments)), "prove and redeem", name
        );
        _assertStatus(built, EpochStatus.Settled);
        vm.snapshotValue("gas", string.concat("epoch of ", name, ": all transactions"), sum);
        vm.snapshotValue("gas", string.concat("epoch of ", name, ": floors of calldata"), sumOfFloors);
        vm.snapshotValue("gas", string.concat("epoch of ", name, ": an answer"), sum / count);
    }

    function test_AThousandAnswers() public {
        _epoch(1_000, "1,000");
        assertLe(sum, 1_000 * 1_000);
    }

    function test_AHundredThousandAnswers() public {
        _epoch(100_000, "100,000");
        assertLe(sum, 20 * 100_000);
    }
}
