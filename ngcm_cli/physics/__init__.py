"""What was learned, column by column.

``parameterization`` predicts the tendencies of everything the dynamical core does not
resolve: ``features`` describe each column, ``scaling`` brings them to order one, a
network of ``towers`` maps them to tendencies. ``surface`` and ``radiation`` supply
features of land, sea, ice and sunlight, ``random_fields`` correlated noise.
``water_budget`` has the precipitation and evaporation that the tendencies imply.
"""
