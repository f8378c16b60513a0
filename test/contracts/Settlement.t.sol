// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ClaimStatus, JobStatus, Lane } from "../../contracts/interfaces/Types.sol";
import { Base } from "./Base.t.sol";

contract SettlementTest is Base {
    function test_Proofs_SettleAtOnce() public {
        bytes32 claim = _claimedAtOnce();
        _prove(claim, 0, LAYERS);
        _assertClaim(claim, ClaimStatus.Proven, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
        assertEq(escrow.bonded(provider, ETH), 10 * STAKE);
    }

    function test_Audited_FinalizesWithTheDrawnLayer() public {
        bytes32 claim = _claimed(Lane.Audited);
        _draw(claim, 3);
        _prove(claim, 3, 1);
        _after(_challengeBy(claim));
        settlement.finalize(claim);
        _assertClaim(claim, ClaimStatus.Finalized, JobStatus.Settled);
        assertEq(_free(recipient), PRICE);
    }
}
