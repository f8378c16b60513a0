        // The accumulator is added, times one more challenge.
        Sum memory right;
        (right.x, right.y) = (wX, wY);
        (sum.pointX, sum.pointY) = _accumulated(proof, 0);
        _addMultiple(sum, challenges.fold);
        (right.pointX, right.pointY) = _accumulated(proof, 64);
        _addMultiple(right, challenges.fold);
        _checkPairing(sum.x, sum.y, right.x, (P - right.y) % P);
